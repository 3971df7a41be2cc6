package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestScriptArgs: bash takes each name for the script, never for an option, after
// which it would run its standard input.
func TestScriptArgs(t *testing.T) {
	for _, name := range []string{"entrypoint.sh", "a/b.sh", "-c", "-s", "--version", "-", "+x", "+O", "a=b", "a b", "~", "$0"} {
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("echo the script\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/bin/bash")
		cmd.Args, cmd.Dir, cmd.Stdin = scriptArgs(name), dir, strings.NewReader("echo standard input\n")
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != "the script\n" {
			t.Errorf("%q: %v %s", name, err, out)
		}
	}
}
