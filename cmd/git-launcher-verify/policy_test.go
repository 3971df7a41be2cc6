package main

import (
	"os"
	"strings"
	"testing"
)

// TestPolicyFrom: the policy that is made of evidence is enough for VERIFIED, but for what
// nobody decides for its reader, which it has as comments.
func TestPolicyFrom(t *testing.T) {
	const config = "REPO_URL=https://example.org/r.git\nCOMMIT_SHA=1111111111111111111111111111111111111111\nALLOW_ENV=A\n"
	const file = "services:\n  launcher:\n    image: example.org/launcher@" + launcherDigest + "\n    read_only: true\n    environment:\n      PYTHONPATH: /x\n      GIT_LAUNCHER_CONFIG: |\n        REPO_URL=https://example.org/r.git\n        COMMIT_SHA=1111111111111111111111111111111111111111\n        ALLOW_ENV=A\n"
	for name, tc := range map[string]struct {
		file    string
		review  []string
		verdict int
	}{
		"all by itself": {file, nil, 0},
		"a stranger":    {file + "  other:\n    image: y\n    privileged: true\n", []string{"# ALLOW_COMPOSE=service:other@sha256:"}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			e := launchFile(t, tc.file, config)
			judged := []string{"--offline", "--root", e.file("root.pem"), "--collateral", e.file("collateral.json")}
			code, out, errs := run(t, append([]string{"policy"}, append(judged, "--from", e.file("receipt.json"))...)...)
			if code != 0 {
				t.Fatalf("exit code %d\n%s", code, errs)
			}
			for _, line := range append(tc.review, "\nDOCKER_COMPOSE_SHA256=", "\nALLOWED_ENVS=\n", "\nCONFIG_SHA256=", "\nLAUNCHER_IMAGE_DIGEST=") {
				if !strings.Contains(out, line) {
					t.Errorf("the policy has no %q:\n%s", line, out)
				}
			}
			made := out
			with := func(policy string) int {
				if err := os.WriteFile(e.file("made.conf"), []byte(policy), 0o600); err != nil {
					t.Fatal(err)
				}
				code, out, errs = run(t, append(judged, "--policy", e.file("made.conf"), e.file("receipt.json"))...)
				return code
			}
			if with(made) != tc.verdict {
				t.Errorf("exit code %d\n%s%s", code, out, errs)
			}
			if with(strings.ReplaceAll(made, "# ALLOW_COMPOSE=", "ALLOW_COMPOSE=")) != 0 {
				t.Errorf("exit code %d\n%s%s", code, out, errs)
			}
		})
	}
}

// TestExplain: what an exception would accept is shown, with the line that binds it, and
// is fit for a terminal.
func TestExplain(t *testing.T) {
	e := launchFile(t, "services:\n  launcher:\n    image: x@"+launcherDigest+"\n  other:\n    image: \"y\\e[2J\"\n    privileged: true\n", "x")
	code, out, errs := run(t, "--explain", "service:other", "--policy", e.file("policy.conf"), e.file("receipt.json"))
	if code != 0 || !strings.HasPrefix(out, "ALLOW_COMPOSE=service:other@sha256:") || !strings.Contains(out, `"privileged": true`) || strings.Contains(out, "\x1b") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if code, out, _ := run(t, "--explain", "service:other", "--json", "--policy", e.file("policy.conf"), e.file("receipt.json")); code != 0 || !strings.Contains(out, `"allow_compose": "service:other@sha256:`) {
		t.Errorf("exit code %d\n%s", code, out)
	}
	for name, want := range map[string]string{"service:none": "the compose file has no such service; it has launcher, other. ", "service:launcher": "needs no exception of that name. ", "x": "The exceptions that the app-compose needs are launcher:writable, service:other"} {
		if code, _, errs := run(t, "--explain", name, "--policy", e.file("policy.conf"), e.file("receipt.json")); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%q: exit code %d, %s", name, code, errs)
		}
	}
	if code, _, errs := run(t, "--explain", "x", "--batch", "--policy", e.file("policy.conf"), e.file("receipt.json")); code != 2 || !strings.Contains(errs, "--explain is for one evidence") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if code, _, errs := run(t, "--policy", ".", e.file("receipt.json")); code != 2 || !strings.Contains(errs, ". is a folder, and a file is meant") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
