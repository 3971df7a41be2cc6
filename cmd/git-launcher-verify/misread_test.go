package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"gitlauncher/measure"
)

// TestNothingLooksLikeAVerdict: whatever strangers wrote, no line but the verdict
// begins like one, none is wider than the table, and the verdict is near the end.
// SECURITY.md: E7.
func TestNothingLooksLikeAVerdict(t *testing.T) {
	words := strings.Repeat("VERIFIED ", 60)
	for name, e := range map[string]*simulated{
		"repository":      launchVM(t, func(r *measure.GitRecord) { r.RepoURL = "https://example.org/ " + words }),
		"blanks":          launchVM(t, func(r *measure.GitRecord) { r.RepoURL = "https://example.org/" + strings.Repeat(" ", 300) + "VERIFIED" }),
		"long":            launchVM(t, func(r *measure.GitRecord) { r.RepoURL = strings.Repeat("x", 200<<10) }),
		"command":         launchVM(t, func(r *measure.GitRecord) { r.Advanced, r.Entrypoint, r.RunCmd = true, "", words }),
		"a key's name":    launchBy(t, "x@"+launcherDigest+"\n    "+words+": 1"),
		"a service":       launchBy(t, "x@"+launcherDigest+"\n    container_name: a\n  "+words+": {image: y, privileged: true}"),
		"a service's key": launchBy(t, "x@"+launcherDigest+"\n    environment: ['"+words+"=x']"),
	} {
		code, out, errs := run(t, "--offline", "--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), "--repo-url", "https://example.org/r.git", e.file("receipt.json"))
		lines := strings.Split(strings.TrimSpace(out), "\n")
		verdict := 0
		for i, line := range lines {
			if strings.HasPrefix(line, "VERIFIED") || strings.HasPrefix(line, "NOT VERIFIED") || strings.HasPrefix(line, "UNDECIDED") {
				verdict++
				if code != 0 && strings.HasPrefix(line, "VERIFIED") || len(lines)-i > 20 {
					t.Errorf("%s: line %d of %d is %q", name, i, len(lines), line)
				}
			}
			if utf8.RuneCountInString(line) > widthElsewhere {
				t.Errorf("%s: a line of %d: %.100q", name, utf8.RuneCountInString(line), line)
			}
		}
		if verdict != 1 || errs != "" || len(out) > 20<<10 {
			t.Errorf("%s: exit code %d, %d verdicts in %d bytes\n%.8000s%s", name, code, verdict, len(out), out, errs)
		}
	}
}

// TestInspectShadow: a key that differs in case alone is not shown for the one
// that dstack reads.
// SECURITY.md: E7.
func TestInspectShadow(t *testing.T) {
	e := launchVM(t)
	var receipt map[string]any
	if err := json.Unmarshal(e.receipt, &receipt); err != nil {
		t.Fatal(err)
	}
	tcb, _ := json.Marshal(map[string]string{"app_compose": `{"docker_compose_file":"services: {evil: {image: evil}}","Docker_Compose_File":"services: {good: {image: good}}"}`})
	receipt["info"].(map[string]any)["tcb_info"] = string(tcb)
	data, _ := json.Marshal(receipt)
	if err := os.WriteFile(e.file("shadow.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := run(t, "inspect", e.file("shadow.json")); code != 0 || !strings.Contains(out, "image: evil") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}
