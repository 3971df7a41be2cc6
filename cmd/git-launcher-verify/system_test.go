package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/internal/systemtext"
	"gitlauncher/internal/testenv"
)

// TestSystemJSON: the same facts for machines.
func TestSystemJSON(t *testing.T) {
	code, out, errs := run(t, "system", "--json", testenv.Fixture(t, "dstack-0.6-getquote.json"))
	var x systemtext.Explanation
	if err := json.Unmarshal([]byte(out), &x); code != 0 || errs != "" || err != nil {
		t.Fatalf("exit code %d, %v\n%s", code, err, errs)
	}
	if len(x.Events) != 20 || x.Memory != 2<<30 || x.Document != 3 || len(x.Findings) != 6 || !x.Claimed {
		t.Errorf("%+v", x)
	}
}

// TestSystemCodes: the exit code says how check B came out.
func TestSystemCodes(t *testing.T) {
	file := testenv.Fixture(t, "dstack-0.6-getquote.json")
	hash := "--os-image-hash=e6f5cfec20c02e7b97baa213d0f718020b55e040172d90ccbcb946d56c8b09db"
	for _, c := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{hash}, 0, "(expected)"},
		{[]string{"--os-image=dstack-0.6.6"}, 4, "differs"},
		{[]string{"--os-image=dstack-9.9"}, 2, `the catalogue has no system "dstack-9.9"`},
		{[]string{hash, "--acpi-tables=" + strings.Repeat("00", 48) + "," + strings.Repeat("00", 48) + "," + strings.Repeat("00", 48)}, 4, "other ACPI tables"},
		{[]string{"--acpi-tables=some"}, 2, "three SHA-384 digests"},
	} {
		code, out, errs := run(t, append(append([]string{"system"}, c.args...), file)...)
		if code != c.code || !strings.Contains(out+errs, c.text) {
			t.Errorf("%v: exit code %d, want %d, %q\n%s%s", c.args, code, c.code, c.text, out, errs)
		}
	}
}

// TestSystems lists the catalogue, and a file's entries with it.
func TestSystems(t *testing.T) {
	code, out, _ := run(t, "systems")
	for _, text := range []string{
		"dstack-0.6.6\n  os_image_hash 5aa762ee7cddc62174c13e1081d56f7ab2a9aebc513973a1d63b3775fda250ec\n",
		"registers on QEMU 8: MRTD RTMR0 RTMR1 RTMR2 (near/mpc", "flaw DEV-IMAGE", "perhaps GHSA-c79w-3x5w-gmm5", "8 vCPUs, 64 GiB, QEMU 8.2.2",
	} {
		if code != 0 || !strings.Contains(out, text) {
			t.Errorf("exit code %d, no %q", code, text)
		}
	}
	file := filepath.Join(t.TempDir(), "systems.json")
	mine := `{"version":1,"sources":{"me":{"what":"built here","where":"here","date":"2026-11-26"}},
		"images":[{"name":"mine-1.0","os_image_hash":"` + strings.Repeat("a", 64) + `","source":"me"}]}`
	if err := os.WriteFile(file, []byte(mine), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := run(t, "systems", "--systems", file); code != 0 || !strings.Contains(out, "mine-1.0\n  os_image_hash aaaa") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	if code, _, errs := run(t, "systems", "--systems", filepath.Join(t.TempDir(), "none")); code != 2 {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if err := os.WriteFile(file, []byte(`{"version":1,"images":[{"name":"mine-1.0"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := run(t, "systems", "--systems", file); code != 2 || !strings.Contains(errs, "neither os_image_hash nor registers") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if code, _, errs := run(t, "systems", file); code != 2 || !strings.Contains(errs, "takes no evidence") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// TestPolicyOfSystem: a policy made of evidence names the image where that proves the
// registers, and judges the same evidence's system as expected.
func TestPolicyOfSystem(t *testing.T) {
	for name, want := range map[string][]string{
		"dstack-0.6-getquote.json": {"OS_IMAGE_HASH=e6f5cfec20c02e7b97baa213d0f718020b55e040172d90ccbcb946d56c8b09db\n"},
		"near-public-data.json":    {"OS_IMAGE=dstack-dev-0.5.8\n", "# ACCEPT_ADVISORY=DEV-IMAGE\n"},
		"dstack-quote-report.json": {"MRTD=b24d3b24", "RTMR0=2e384326", "RTMR2=1e31b59d"},
	} {
		code, out, errs := run(t, "policy", "--offline", "--at", "2026-08-20T00:00:00Z", "--from", testenv.Fixture(t, name))
		for _, line := range want {
			if code != 0 || !strings.Contains(out, line) {
				t.Errorf("%s: exit code %d, no %q\n%s%s", name, code, line, out, errs)
			}
		}
		if strings.Contains(out, "\nOS_IMAGE") == strings.Contains(out, "\nMRTD=") {
			t.Errorf("%s: the system is named twice, or never\n%s", name, out)
		}
	}
}
