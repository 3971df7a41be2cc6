package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/internal/testenv"
)

// TestContractPolicy: the policy that says what NEAR's contract says meets the public data
// of a node, and each of its lines is held against it: with another value the verdict is
// another.
func TestContractPolicy(t *testing.T) {
	data := testenv.Fixture(t, "near-public-data.json")
	text, err := os.ReadFile("../../image/compose/mpc-policy.conf")
	if err != nil {
		t.Fatal(err)
	}
	judge := func(policy string) (int, string) {
		file := filepath.Join(t.TempDir(), "policy.conf")
		if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := run(t, "--offline", "--at", "2026-08-20T00:00:00Z", "--policy", file, data)
		return code, out + errs
	}
	if code, out := judge(string(text)); code != 0 || !strings.Contains(out, "VERIFIED, having accepted: ") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	flip := func(line string) string {
		for _, pair := range [][2]string{{"=true", "=false"}, {"=false", "=true"}, {"version=2", "version=3"}, {"docker-compose", "bash"}} {
			if strings.HasSuffix(line, pair[0]) || strings.Contains(line, pair[0]) && strings.HasPrefix(line, "APP_COMPOSE") {
				return strings.Replace(line, pair[0], pair[1], 1)
			}
		}
		last := line[len(line)-1]
		return line[:len(line)-1] + map[bool]string{true: "1", false: "0"}[last == '0']
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		key, value, _ := strings.Cut(line, "=")
		if line == "" || line[0] == '#' || value == "" {
			continue
		}
		other := "" // what accepts something is left out instead
		switch key {
		case "ACCEPT_ADVISORY", "ALLOW_COMPOSE", "PERSISTENT_DISK", "COLLATERAL":
		default:
			other = flip(line)
		}
		if code, out := judge(strings.Replace(string(text), line, other, 1)); code == 0 || !strings.Contains(out, "NOT VERIFIED") && !strings.Contains(out, "UNDECIDED") {
			t.Errorf("%s instead of %s: exit code %d\n%s", other, line, code, out)
		}
	}
}
