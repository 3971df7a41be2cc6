package main

import (
	"os"
	"strings"
	"testing"
)

// TestCommandFirst: a command is the first word. Behind flags, and behind --, the name of one
// is that of evidence, which whoever made the evidence may have chosen.
// SECURITY.md: E9.
func TestCommandFirst(t *testing.T) {
	t.Chdir(t.TempDir())
	names := []string{"systems", "version", "help", "completion", "manual", "schema", "inspect", "__complete"}
	for _, name := range names {
		if err := os.WriteFile(name, []byte("junk"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		for _, args := range [][]string{{"--offline", name}, {"--quiet", name}, {"--", name}, {"--at", "2026-08-20T00:00:00Z", name}, {"./" + name}, {"./" + name, "--offline"}, {"verify", "--", name}} {
			if code, out, errs := run(t, args...); code != 3 || out != "" || !strings.Contains(errs, "NOT VERIFIED: the evidence can't be read") {
				t.Errorf("%q: exit code %d, %s%s", args, code, out, errs)
			}
		}
		if code, _, errs := run(t, name, "--policy", "p.conf"); name != "__complete" && (code != 2 || strings.Contains(errs, "NOT VERIFIED")) {
			t.Errorf("%s --policy: exit code %d, %s", name, code, errs)
		}
	}
}

// TestAnywhere: flags stand before evidence or behind it, and change nothing by that.
func TestAnywhere(t *testing.T) {
	e := launchVM(t)
	root, receipt := e.file("root.pem"), e.file("receipt.json")
	rest := []string{"--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), "--at", "2026-11-26T12:00:00Z", "--json"}
	_, want, _ := run(t, append([]string{"--root", root, receipt}, rest...)...)
	if !strings.HasPrefix(want, "{") {
		t.Fatal(want)
	}
	for _, args := range [][]string{
		append(append([]string{"--root", root}, rest...), receipt), append(append([]string{"verify", "--root=" + root}, rest...), "--", receipt),
		append([]string{receipt, "--root", root}, rest...), append([]string{"verify", receipt, "--root", root, "--quiet=false"}, rest...),
	} {
		if _, got, errs := run(t, args...); got != want || errs != "" {
			t.Errorf("%q:\n%s%s", args, got, errs)
		}
	}
}

// TestQuiet: a verdict without its table is the end of what is printed otherwise.
func TestQuiet(t *testing.T) {
	e := launchVM(t)
	args := []string{"--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), e.file("receipt.json")}
	_, whole, _ := run(t, args...)
	code, brief, _ := run(t, append(args, "-q")...)
	if code != 0 || !strings.HasSuffix(whole, "\n\n"+brief) || !strings.HasPrefix(brief, "launched commit ") || !strings.Contains(brief, "\nVERIFIED UNDER A ROOT THAT IS NOT INTEL'S") {
		t.Errorf("exit code %d\n%s", code, brief)
	}
}

// TestMisspelt: what may have been meant is named, and what a command does not take is refused.
func TestMisspelt(t *testing.T) {
	for args, want := range map[string]string{
		"--polcy x a":                "unknown flag: --polcy; did you mean --policy?",
		"-policy x a":                "unknown flag: -policy; did you mean --policy?",
		"-json a":                    "unknown flag: -json; did you mean --json?",
		"-test.json a":               "unknown flag: -test.json",
		"inspct a":                   "there is one EVIDENCE, but 2 were given; did you mean inspect? A command is the first word",
		"--json inspect a":           "there is one EVIDENCE, but 2 were given; did you mean inspect?",
		"serve --batch":              "unknown flag: --batch; --batch is a flag of verify",
		"systems --batch":            "unknown flag: --batch; --batch is a flag of verify",
		"serve --json":               "--json is a flag of checkout, inspect, system, verify",
		"serve --polcy":              "see git-launcher-verify serve --help",
		"--polcy":                    "see git-launcher-verify verify --help",
		"help nonsense":              "see git-launcher-verify --help",
		"--policy none.conf a":       "--policy: open none.conf",
		"systems a":                  "systems takes no evidence",
		"serve a":                    "serve takes no evidence",
		"help sytem":                 `there is no command "sytem"; did you mean system`,
		"inspect --batch a":          "--batch takes evidence that is whole",
		"system --explain x a":       "--explain is for one evidence",
		"inspect a --commit " + sha1: "--commit is for checkout",
		"--lfs fetch a":              "--submodules and --lfs are for the command checkout",
		"--from a":                   "--from is for “policy --from EVIDENCE”",
		"policy --from a b":          "--from is for “policy --from EVIDENCE”",
		"checkout a b":               "there is one DIR, but 2 were given",
		"checkout":                   "checkout needs the directory of a clone",
		"--mrtd " + zero + " --mrtd " + zero + " a": "--mrtd: has several values",
		"--json=maybe a": `invalid argument "maybe" for "--json" flag`,
		"a --at":         "flag needs an argument: --at",
	} {
		if code, out, errs := run(t, strings.Fields(args)...); code != 2 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s%s", args, code, out, errs)
		}
	}
	if code, _, errs := run(t, "sytem"); code != 1 || !strings.Contains(errs, "did you mean system or systems? A command is the first word") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

var sha1, zero = strings.Repeat("1", 40), strings.Repeat("00", 48)

// TestHelp: each command has help of its own, with examples, wherever it is asked for.
func TestHelp(t *testing.T) {
	for _, name := range []string{"verify", "inspect", "system", "systems", "checkout", "policy", "serve"} {
		code, out, _ := run(t, name, "--help")
		_, also, _ := run(t, "help", name)
		if code != 0 || out != also || !strings.HasPrefix(out, "Usage: git-launcher-verify "+name+" [flags]") || !strings.Contains(out, "\nExamples:\n  git-launcher-verify ") {
			t.Errorf("%s: exit code %d\n%s", name, code, out)
		}
		for line := range strings.SplitSeq(out, "\n") {
			if len([]rune(line)) > 120 {
				t.Errorf("%s: a wide line: %s", name, line)
			}
		}
		if name != "verify" && strings.Contains(out, "--mrtd") {
			t.Errorf("%s has the flags of another command:\n%s", name, out)
		}
	}
	if _, out, _ := run(t, "--json", "receipt.json", "--help"); !strings.HasPrefix(out, "Usage: git-launcher-verify verify [flags] EVIDENCE") {
		t.Error(out)
	}
}

// TestCompletion: a line that begins with no command is completed as one of verify.
func TestCompletion(t *testing.T) {
	for args, want := range map[string]string{
		"i": "inspect\t", "--pol": "--policy\t", "receipt.json --pol": "--policy\t", "--json --pol": "--policy\t", "inspect --js": "--json\t",
		"--color ": "auto\nalways\nnever\n", "checkout --lfs ": "none\nfetch\n", "--policy ": ":0\n", "--checkout ": ":16\n", "--persistent-disk ": "accepted\n",
	} {
		code, out, _ := run(t, append([]string{"__complete"}, strings.Split(args, " ")...)...)
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%q: exit code %d, %s", args, code, out)
		}
	}
	if _, out, _ := run(t, "__complete", "inspect", "--mr"); strings.Contains(out, "--mrtd") {
		t.Error("a flag that means nothing to a command is offered")
	}
}
