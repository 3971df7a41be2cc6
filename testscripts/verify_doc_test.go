package testscripts

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestVerifyDocIsRun: VERIFY.md has the blocks of commands. verify_by_hand.txtar takes
// them from the page and runs them, so it is enough here that they are there.
func TestVerifyDocIsRun(t *testing.T) {
	page, err := os.ReadFile("../VERIFY.md")
	if err != nil {
		t.Fatal(err)
	}
	if blocks := verifyCommands(string(page)); len(blocks) < 6 {
		t.Fatalf("VERIFY.md has %d command blocks", len(blocks))
	}
}

// verifyCommands returns the shell blocks of the page.
func verifyCommands(page string) []string {
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(page, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

// verifyScript returns all of them as one bash script.
func verifyScript(page string) string {
	return "set -euo pipefail\n" + strings.Join(verifyCommands(page), "\n")
}
