package testscripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/internal/regtest"
)

// TestImageDemo compares the transcript of a whole launch in a simulated TEE, on this
// machine's Docker Engine, with testdata/image-demo.golden. What differs from run to
// run (times, ports, folders, hashes) is left out; equal hashes stay equal by their
// order of appearance.
func TestImageDemo(t *testing.T) {
	t.Parallel()
	needEngine(t)
	programs := programs(t)
	node, err := nodeBinary()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	serve, err := regtest.BuildStatic(bin, "gitlauncher/internal/regtest/serve")
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"node": node, "serve-images": serve, "git-launcher": filepath.Join(programs, "git-launcher"), "dstack-sim": filepath.Join(programs, "dstack-sim"), "git-launcher-verify": filepath.Join(programs, "git-launcher-verify"),
	} {
		if err := os.Symlink(target, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("bash", "../demo/image.sh", bin).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := anonymous(string(out))
	const golden = "testdata/image-demo.golden"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("the transcript changed (UPDATE_GOLDEN=1 writes it): %s", d)
	}
}

// anonymous replaces what differs between runs.
func anonymous(s string) string {
	for _, r := range []struct{ from, to string }{
		{`([0-9a-f]{40,})\n +([0-9a-f]+)\b`, "$1$2"}, // the verdict's table breaks long words
		{`time=\S+`, "time=T"}, {`took=\S+`, "took=T"}, {`127\.0\.0\.1:\d+`, "REGISTRY"},
		{`/tmp/tmp\.\w+`, "DIR"}, {`gl-demo-\d+`, "gl-demo"}, {`"launcher": "[^"]*"`, `"launcher": "VERSION"`},
	} {
		s = regexp.MustCompile(r.from).ReplaceAllString(s, r.to)
	}
	seen := make(map[string]string)
	return regexp.MustCompile(`\b[0-9a-f]{12,96}\b`).ReplaceAllStringFunc(s, func(h string) string {
		if seen[h] == "" {
			seen[h] = "HASH" + string(rune('A'+len(seen)))
		}
		return seen[h]
	})
}
