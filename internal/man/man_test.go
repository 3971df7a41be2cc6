package main

import (
	"bytes"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"gitlauncher/internal/testenv"
)

// TestPage: the manual has every flag and every line of the program's own help, and
// mandoc's checker finds nothing wrong with it.
func TestPage(t *testing.T) {
	for program, how := range map[string]string{"git-launcher": "--help", "git-launcher-verify": "manual", "git-launcher-dev": "manual", "dstack-sim": "manual"} {
		t.Run(program, func(t *testing.T) { manual(t, program, how) })
	}
}

func manual(t *testing.T, program, how string) {
	help, err := exec.Command("go", "run", "gitlauncher/cmd/"+program, how).Output()
	if err != nil {
		t.Fatal(err)
	}
	text := page(string(help), "do one thing")
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		testenv.Skip(t, "mandoc is missing")
	}
	lint := exec.Command(mandoc, "-T", "lint", "-W", "warning")
	lint.Stdin = strings.NewReader(text)
	out, _ := lint.CombinedOutput() // the missing date alone makes its exit code fail
	for line := range bytes.Lines(out) {
		if !bytes.Contains(line, []byte("missing date")) { // there is none: the page is made from the program
			t.Errorf("%s", line)
		}
	}
	show := exec.Command(mandoc, "-T", "utf8", "-O", "width=200")
	show.Stdin = strings.NewReader(text)
	shown, err := show.Output()
	if err != nil {
		t.Fatal(err)
	}
	shown = regexp.MustCompile(`.\x08`).ReplaceAll(shown, nil) // overstruck bold
	words := strings.Join(strings.Fields(string(shown)), " ")
	for line := range bytes.Lines(help) {
		want := strings.Join(strings.Fields(strings.TrimPrefix(string(line), "Usage: ")), " ")
		if !strings.Contains(words, want) {
			t.Errorf("the manual lacks %q", want)
		}
	}
}
