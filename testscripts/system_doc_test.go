package testscripts

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"gitlauncher/internal/testenv"
)

// TestSystemByHand runs VERIFY.md's commands for the system, word for word, on the
// real quote that the page names.
func TestSystemByHand(t *testing.T) {
	for _, tool := range []string{"bash", "jq", "xxd", "iconv", "sha384sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			testenv.Skip(t, "%v", err)
		}
	}
	page, err := os.ReadFile("../VERIFY.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```shell\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) != 1 {
		t.Fatalf("VERIFY.md has %d blocks of them", len(blocks))
	}
	evidence := testenv.ReadFixture(t, "dstack-0.6-getquote.json")
	const want = "e6f5cfec20c02e7b97baa213d0f718020b55e040172d90ccbcb946d56c8b09db  sha256sum.txt\nmeasurement.tdx.cbor: OK\nMRTD\nRTMR1\nRTMR2\nRTMR0\n"
	byHand := func(evidence []byte) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "dstack-0.6-getquote.json"), evidence, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("bash", "-c", string(blocks[0][1]))
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput() // what it prints is the verdict
		return string(out)
	}
	if got := byHand(evidence); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	// An ACPI digest that is not in the register.
	changed := bytes.Replace(evidence, []byte("3070721e169bc41884724cb0e6b3082e"), []byte("4070721e169bc41884724cb0e6b3082e"), 1)
	if got := byHand(changed); got == want || bytes.Equal(changed, evidence) {
		t.Errorf("another log makes the register, too:\n%s", got)
	}
}
