package policy_test

import (
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/config"
	"gitlauncher/policy"
)

var update = flag.Bool("update", false, "write VERIFY.md's table of keys anew")

// sample returns a value of a key that a policy can hold.
func sample(k policy.Key) string {
	long := strings.Repeat("ab", 64)
	switch k.Name {
	case "MRTD", "RTMR0", "RTMR1", "RTMR2", "MROWNER", "MROWNERCONFIG", "KEY_PROVIDER_DIGEST":
		return long[:96]
	case "SYSTEM":
		return strings.Repeat(long[:96]+":", 4) + long[:96]
	case "TCB_EVALUATION":
		return "20"
	case "COLLATERAL", "PERSISTENT_DISK", "LAUNCH", "ENDPOINT":
		return k.Form
	case "XFAM":
		return long[:16]
	case "APP_COMPOSE", "ENVIRONMENT":
		return "a=b=c,d"
	case "ALLOW_COMPOSE":
		return "service:a@sha256:" + long[:64]
	case "KEY_PROVIDER":
		return "kms:" + long
	case "LAUNCHER_IMAGE_DIGEST", "LAUNCHER_BASE_DIGEST", "IMAGE_DIGEST":
		return "sha256:" + long[:64]
	case "COMMIT_SHA", "TREE", "APP_ID":
		return long[:40]
	case "TCB_STATUS_ALLOWED":
		return "OutOfDate"
	case "REPORT_DATA":
		return long
	case "NONCE", "MR_KMS":
		return "00"
	case "ACPI_TABLES":
		return long[:96] + "," + long[:96] + "," + long[:96]
	}
	if strings.HasSuffix(k.Name, "_SHA256") || strings.HasSuffix(k.Name, "_HASH") {
		return long[:64]
	}
	return "x"
}

// TestEveryKey: a line's value is in its key's field and in no other, is written as it
// was read, and is replaced by Override.
func TestEveryKey(t *testing.T) {
	for _, k := range policy.Keys() {
		line := k.Name + "=" + sample(k) + "\n"
		p, err := policy.Parse("p", []byte(line))
		if err != nil {
			t.Errorf("%s: %v", k.Name, err)
			continue
		}
		for _, other := range policy.Keys() {
			if other.Of(p).Given() != (other.Name == k.Name) {
				t.Errorf("%s gives %s", k.Name, other.Name)
			}
		}
		if !k.Of(p).Allows(sample(k)) || k.Of(p).Allows("") || p.NameOf(k.Of(p)) != k.Name {
			t.Errorf("%s is read as %v", k.Name, k.Of(p))
		}
		if got, err := p.Format(); err != nil || string(got) != line {
			t.Errorf("%s is written as %q, %v", k.Name, got, err)
		}
		over := new(policy.Policy)
		if err := over.Override(p); err != nil || !k.Of(over).Allows(sample(k)) {
			t.Errorf("%s is not taken over", k.Name)
		}
		if err := p.Override(new(policy.Policy)); err != nil || !k.Of(p).Given() {
			t.Errorf("%s is lost to a policy that does not have it", k.Name)
		}
		if k.Help == "" || k.Form == "" || strings.HasSuffix(k.Help, ".") || k.Flag() != strings.ReplaceAll(strings.ToLower(k.Name), "_", "-") {
			t.Errorf("%+v", k)
		}
	}
}

func TestRefused(t *testing.T) {
	reg := strings.Repeat("ab", 48)
	for line, want := range map[string]string{
		"MRTD=00": "a register has 96 hexadecimal digits",
		"LAUNCHER_IMAGE_DIGEST=" + strings.Repeat("a", 64): "is not sha256: and 64 lowercase",
		"IMAGE_DIGEST=sha256:" + strings.Repeat("A", 64):   "is not sha256: and 64 lowercase",
		"IMAGE_DIGEST=sha256:0x" + strings.Repeat("a", 64): "is not sha256: and 64 lowercase",
		"COMMIT_SHA=main":                              "is not a commit id",
		"COMMIT_SHA=" + strings.Repeat("A", 40):        "has uppercase digits",
		"CONFIG_SHA256=00":                             "is not hex of 32 bytes",
		"APP_ID=00":                                    "is not hex of 20 bytes",
		"REPORT_DATA=00":                               "is not hex of 64 bytes",
		"NONCE=":                                       "is empty",
		"NONCE=0":                                      "is not hex of 1 to 64 bytes",
		"NONCE=" + strings.Repeat("00", 65):            "is not hex of 1 to 64 bytes",
		"TCB_STATUS_ALLOWED=Revoked":                   "is no TCB status that can be allowed",
		"TCB_STATUS_ALLOWED=outofdate":                 "is no TCB status that can be allowed",
		"ALLOW_COMPOSE=":                               "is empty",
		"ALLOW_COMPOSE=a,,b":                           "has an empty value in its list",
		"MRTD=" + reg + "," + reg:                      "of several systems each takes a line of its own",
		"SYSTEM=" + reg:                                "is not MRTD:RTMR0:RTMR1:RTMR2",
		"SYSTEM=" + reg + ":" + reg + ":" + reg + ":x": "a register has 96",
		"SYSTEM=" + strings.Repeat(reg+":", 4) + strings.Repeat("0", 96): "a key provider digest of zeros",
		"TCB_EVALUATION=020":                "is not a number",
		"TCB_EVALUATION=-1":                 "is not a number",
		"COLLATERAL=any":                    "is not evidence, the only value",
		"ENDPOINT=bound":                    "is not unbound, the only value",
		"PERSISTENT_DISK=yes":               "is not accepted, the only value",
		"XFAM=e7":                           "is not hex of 8 bytes",
		"ENVIRONMENT=A":                     "is not NAME=VALUE",
		"APP_COMPOSE==x":                    "is not NAME=VALUE",
		"ALLOW_COMPOSE=a@b":                 "is not NAME, or NAME@sha256:",
		"ALLOW_COMPOSE=@sha256:" + reg[:64]: "is not NAME, or NAME@sha256:",
		"KEY_PROVIDER=kms":                  "says kms and not which one",
		"KEY_PROVIDER=local-sgx":            "says local-sgx and not which one",
		"KEY_PROVIDER=kms:":                 "has an id that is not hex",
		"KEY_PROVIDER=kms:xyz":              "has an id that is not hex",
		"KEY_PROVIDER=KMS:00":               "is not the name of a key provider",
		"MR_KMS=":                           "is empty",
		"ACPI_TABLES=" + reg + "," + reg:    "is neither three SHA-384 digests",
		"ACPI_TABLES=" + reg + strings.Repeat(","+reg, 3): "is neither three SHA-384 digests",
		"ACPI_TABLES=any":                  "is neither three SHA-384 digests",
		"ACPI_TABLES=" + reg + ",x," + reg: "a register has 96 hexadecimal digits",
		"MRTD_=00":                         "is not a known key",
		"ALLOWED_ENVS = A":                 "is not KEY=VALUE",
	} {
		_, err := policy.Parse("p.conf", []byte("# a comment\n"+line))
		var e *config.Error
		if !errors.As(err, &e) || e.File != "p.conf" || e.Line != 2 || !strings.Contains(e.Reason, want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

// TestTaken: values at the ends of what is taken, written again as they were read.
func TestTaken(t *testing.T) {
	for _, line := range []string{
		"NONCE=00", "NONCE=" + strings.Repeat("00", 64), "ACPI_TABLES=unchecked", "TCB_EVALUATION=0", "KEY_PROVIDER=none", "KEY_PROVIDER=kms:00", "MR_KMS=00",
	} {
		p, err := policy.Parse("p.conf", []byte(line+"\n"))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got, err := p.Format(); err != nil || string(got) != line+"\n" {
			t.Errorf("%s is written as %q, %v", line, got, err)
		}
	}
}

// TestLists: repeated lines and lists with commas add up, except where a comma is a
// part of the value; for one key an empty list is an expectation, too.
func TestLists(t *testing.T) {
	p, err := policy.Parse("p", []byte("ALLOWED_ENVS=\nALLOW_COMPOSE=a, b\nALLOW_COMPOSE=c\nRUN_CMD=a,b \nREPO_SUBDIR=\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !p.AllowedEnvs.Given() || len(p.AllowedEnvs.Values()) != 0 || p.AllowCompose.String() != "a, b, c" || !p.RunCmd.Allows("a,b ") || !p.RepoSubdir.Allows("") {
		t.Errorf("%+v", p)
	}
	if text, err := p.Format(); err != nil || string(text) != "REPO_SUBDIR=\nRUN_CMD=a,b \nALLOWED_ENVS=\nALLOW_COMPOSE=a\nALLOW_COMPOSE=b\nALLOW_COMPOSE=c\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestConsistent: a register that is expected in two ways is refused, wherever the two
// stand.
func TestConsistent(t *testing.T) {
	reg := strings.Repeat("ab", 48)
	tuple, plain := "SYSTEM="+strings.Repeat(reg+":", 3)+reg+"\n", "RTMR2="+reg+"\n"
	var e *config.Error
	if _, err := policy.Parse("p.conf", []byte(tuple+plain)); !errors.As(err, &e) || e.Key != "RTMR2" || !strings.Contains(e.Reason, "stands beside SYSTEM") {
		t.Error(err)
	}
	p, err := policy.Parse("p.conf", []byte(tuple))
	if err != nil {
		t.Fatal(err)
	}
	over, err := policy.Parse("flags", []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Override(over); !errors.As(err, &e) || e.Key != "RTMR2" {
		t.Error(err)
	}
	if p, err := policy.Parse("p.conf", []byte(tuple+strings.Replace(tuple, "ab", "ac", 1))); err != nil || len(p.System.Values()) != 2 {
		t.Error(err)
	}
}

// TestOverride: a flag replaces what a file says, and adds no alternative.
func TestOverride(t *testing.T) {
	p, err := policy.Parse("p", []byte("REPO_URL=a\nREPO_URL=b\nALLOWED_ENVS=A\nENVIRONMENT=X=1\n"))
	if err != nil {
		t.Fatal(err)
	}
	flags, err := policy.Parse("flags", []byte("REPO_URL=c\nALLOWED_ENVS=\nENVIRONMENT=X=2\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Override(flags); err != nil || p.RepoURL.String() != "c" || !p.AllowedEnvs.Given() || len(p.AllowedEnvs.Values()) != 0 || p.Environment.String() != "X=2" {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestWriter: a stranger's value does not become a line of its own, another value, or
// an escape sequence.
func TestWriter(t *testing.T) {
	for _, v := range []string{"true\nTCB_STATUS_ALLOWED=OutOfDate", "true\x1b[8m", "true\rx", "a\u202eb", "\xff", "a\x00b"} {
		var w policy.Writer
		var e *config.Error
		if err := w.Put("RUN_CMD", v); !errors.As(err, &e) || len(w.Bytes()) > 0 {
			t.Errorf("%q is written as %q, %v", v, w.Bytes(), err)
		}
		w.Line("RUN_CMD", v)
		w.Comment(v)
		if p, err := policy.Parse("p", w.Bytes()); err != nil || p.RunCmd.Given() || p.TCBStatusAllowed.Given() || strings.ContainsAny(string(w.Bytes()), "\x1b\r\u202e\x00") {
			t.Errorf("%q is explained as %q, %v", v, w.Bytes(), err)
		}
	}
	for _, v := range []string{" # x", `"a"`, "'", "a\tb", "ü"} {
		var w policy.Writer
		if err := w.Put("RUN_CMD", v); err != nil {
			t.Error(err)
		}
		if p, err := policy.Parse("p", w.Bytes()); err != nil || !slices.Equal(p.RunCmd.Texts(), []string{v}) {
			t.Errorf("%q is written as %q, %v", v, w.Bytes(), err)
		}
	}
	var w, other policy.Writer
	w.None("ALLOWED_ENVS")
	other.Line("COMMIT_SHA", strings.Repeat("1", 40))
	w.Append(&other)
	if got := string(w.Bytes()); got != "ALLOWED_ENVS=\nCOMMIT_SHA="+strings.Repeat("1", 40)+"\n" {
		t.Errorf("%q", got)
	}
	if p, err := policy.Parse("p", w.Bytes()); err != nil || !p.AllowedEnvs.Given() || len(p.AllowedEnvs.Values()) > 0 {
		t.Errorf("no variable is read as %v, %v", p, err)
	} else if got, err := p.Format(); err != nil || !strings.Contains(string(got), "ALLOWED_ENVS=\n") {
		t.Errorf("no variable is written as %q, %v", got, err)
	}
	if err := new(policy.Writer).Put("ALLOW_COMPOSE", "a,b"); err == nil {
		t.Error("one value became two")
	}
}

// TestDocumented: VERIFY.md has the table of keys as the code has it. To write it:
// go test ./policy -run Documented -update
func TestDocumented(t *testing.T) {
	const file = "../VERIFY.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(policy.Markdown(), "\n")
	before, rest, found := strings.Cut(string(page), head)
	if !found {
		t.Fatalf("%s has no table %q", file, head)
	}
	have, after, _ := strings.Cut(rest, "\n\n")
	if *update {
		if err := os.WriteFile(file, []byte(before+policy.Markdown()+"\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(policy.Markdown(), head+have+"\n"); d != "" {
		t.Error(d)
	}
}

// FuzzParse: what is read can be written, and is then read as the same.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := policy.Parse("policy", data)
		if err != nil {
			return
		}
		text, err := p.Format()
		if err != nil {
			return // a value that a terminal could act on
		}
		again, err := policy.Parse("again", text)
		if err != nil {
			t.Fatalf("%q is written as %q, which is refused: %v", data, text, err)
		}
		for _, k := range policy.Keys() {
			if !slices.Equal(k.Of(p).Texts(), k.Of(again).Texts()) || k.Of(p).Given() != k.Of(again).Given() {
				t.Fatalf("%s: %q is written as %q", k.Name, k.Of(p).Texts(), k.Of(again).Texts())
			}
		}
	})
}
