package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const limits = `package limits

import "errors"

const most = 10 // of them

func check(n int) error {
	if n > most {
		return errors.New("too many")
	}
	note(n)
	return nil
}

func note(int) {}
`

// TestMutants: a file offers a change of each kind, at the right place.
func TestMutants(t *testing.T) {
	found, err := mutants("limits.go", []byte(limits))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range found {
		changed := strings.Split(string(m.apply([]byte(limits))), "\n")
		got = append(got, m.kind+": "+strings.TrimSpace(changed[m.line-1]))
	}
	want := []string{
		"number is one higher: const most = 11 // of them",
		"guard never fires: if (n > most) && false {",
		"condition is negated: if !(n > most) {",
		"operator is >=: if n >= most {",
		"error becomes nil: return nil",
		"call is left out: ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRun: in a module whose test knows a value above the limit but none at it, the
// guard's changes are killed, and those of the limit itself survive and are listed.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":         "module example.org/limits\n\ngo 1.26\n",
		"limits.go":      limits,
		"limits_test.go": "package limits\n\nimport \"testing\"\n\nfunc TestCheck(t *testing.T) {\n\tif check(1) != nil || check(100) == nil {\n\t\tt.Error(\"no\")\n\t}\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var out strings.Builder
	survivors, err := run(t.Context(), []string{"-n", "0"}, &out)
	if err != nil {
		t.Fatal(err)
	}
	want := `6 changes are possible, 6 are tried, seed 1
survived  limits.go:5: number is one higher: const most = 10
survived  limits.go:8: operator is >=: if n > most {
survived  limits.go:11: call is left out: note(n)
2 of 5 killed (40 %), 0 of them by the time limit; 1 did not compile
`
	if diff := cmp.Diff(want, out.String()); diff != "" || survivors != 3 {
		t.Errorf("%d survivors\n%s", survivors, diff)
	}
	if after, err := os.ReadFile("limits.go"); err != nil || string(after) != limits {
		t.Errorf("the source on disk was changed: %v", err)
	}
}

// TestEndless: a change whose tests do not end is killed, and listed, since a busy machine
// looks the same.
func TestEndless(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":       "module loop\n\ngo 1.22\n",
		"loop.go":      "package loop\n\nfunc loop(n int) {\n\tfor {\n\t\tif n == 0 {\n\t\t\treturn\n\t\t}\n\t\tn--\n\t}\n}\n",
		"loop_test.go": "package loop\n\nimport \"testing\"\n\nfunc TestLoop(t *testing.T) { loop(3) }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var out strings.Builder
	survivors, err := run(t.Context(), []string{"-n", "0", "-kind", "guard", "-timeout", "2s"}, &out)
	want := `1 changes are possible, 1 are tried, seed 1
endless   loop.go:5: guard never fires: if n == 0 {
1 of 1 killed (100 %), 1 of them by the time limit; 0 did not compile
`
	if diff := cmp.Diff(want, out.String()); diff != "" || survivors != 0 || err != nil {
		t.Errorf("%d survivors, %v\n%s", survivors, err, diff)
	}
}

// TestSample: a seed always gives the same sample, and another seed another one.
func TestSample(t *testing.T) {
	var all []candidate
	for i := range 50 {
		all = append(all, candidate{mutant: mutant{line: i}})
	}
	lines := func(seed uint64) (l []int) {
		for _, c := range choose(all, 10, seed) {
			l = append(l, c.line)
		}
		return l
	}
	if !cmp.Equal(lines(1), lines(1)) || cmp.Equal(lines(1), lines(2)) || len(lines(3)) != 10 {
		t.Errorf("seeds 1, 1 and 2 take %v, %v and %v", lines(1), lines(1), lines(2))
	}
}

// TestEquivalent: what is listed as equivalent is still in the source, once or more.
func TestEquivalent(t *testing.T) {
	if out, err := exec.Command("go", "env", "GOMOD").Output(); err != nil || len(out) < 2 {
		t.Fatalf("%s, %v", out, err)
	}
	for _, line := range strings.Split(string(equivalent), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, why, ok := strings.Cut(line, " # ")
		file, _, _ := strings.Cut(name, ":")
		source, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil || !ok || why == "" {
			t.Errorf("%s: %v", line, err)
			continue
		}
		found, err := mutants(file, source)
		if err != nil {
			t.Fatal(err)
		}
		there := false
		for _, m := range found {
			there = there || m.String() == name
		}
		if !there {
			t.Errorf("no such change any more: %s", name)
		}
	}
}
