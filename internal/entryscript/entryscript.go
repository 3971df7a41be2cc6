// Package entryscript looks at an entry script before it is deployed, for what would
// make it fail in the VM, where nobody watches. Its findings are remarks, not errors:
// the launch runs bash on whatever was pinned.
//
// It does not run the script; bash reads it with -n, in an empty environment.
package entryscript

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"time"
)

// syntaxTimeout bounds bash -n, which reads a script of any size at some MB a second.
const syntaxTimeout = 10 * time.Second

// bash is its path in the launcher's image.
const bash = "/bin/bash"

// shells are interpreters whose scripts bash runs as they were meant.
var shells = []string{"bash", "sh", "dash"}

// Look returns what is wrong with a script, in the order in which it would be noticed.
func Look(ctx context.Context, script []byte) []string {
	switch {
	case bytes.HasPrefix(script, []byte("\x7fELF")):
		return []string{"is a program, not a script; have a script call it"}
	case bytes.HasPrefix(script, []byte("\xff\xfe")), bytes.HasPrefix(script, []byte("\xfe\xff")):
		return []string{"is UTF-16, which bash can't read; save it as UTF-8"}
	case bytes.IndexByte(script, 0) >= 0:
		return []string{"holds NUL bytes; bash takes it for a program"}
	case len(bytes.TrimSpace(script)) == 0:
		return []string{"is empty"}
	}
	var found []string
	text, marked := bytes.CutPrefix(script, []byte("\xef\xbb\xbf"))
	if marked {
		found = append(found, "begins with a byte-order mark, so bash takes its first line for a command; save it as UTF-8 without one")
	}
	if bytes.Contains(text, []byte("\r\n")) {
		found = append(found, "has Windows line endings (CRLF), which bash takes for a part of each command; save it with Unix ones")
	}
	if name := interpreter(text); name != "" && !slices.Contains(shells, name) {
		return append(found, fmt.Sprintf("names the interpreter %.60q, but the launcher runs it with bash; have a script call it, or set RUN_CMD", name))
	}
	if fault := unreadable(ctx, text); fault != "" {
		found = append(found, fault)
	}
	return found
}

// HandsOver reports whether the last command of a script is an exec, so that the
// workload gets signals itself: bash does not pass them on.
func HandsOver(script []byte) bool {
	last := ""
	for line := range bytes.Lines(script) {
		if l := strings.TrimSpace(string(line)); l != "" && !strings.HasPrefix(l, "#") {
			last = l
		}
	}
	return strings.HasPrefix(last, "exec ")
}

// interpreter returns the name of the program that a #! line asks for.
func interpreter(script []byte) string {
	line, _, _ := bytes.Cut(script, []byte("\n"))
	rest, ok := bytes.CutPrefix(line, []byte("#!"))
	words := strings.Fields(string(rest))
	if !ok || len(words) == 0 {
		return ""
	}
	name := path.Base(words[0])
	if name == "env" {
		words = slices.DeleteFunc(words[1:], func(w string) bool { return strings.HasPrefix(w, "-") || strings.Contains(w, "=") })
		if len(words) == 0 {
			return ""
		}
		name = path.Base(words[0])
	}
	return name
}

// unreadable has bash read the script without running it, and returns what it says.
func unreadable(ctx context.Context, script []byte) string {
	if _, err := os.Stat(bash); err != nil {
		return "could not be looked at by bash, which is not at " + bash
	}
	ctx, cancel := context.WithTimeout(ctx, syntaxTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, bash, "--norc", "--noprofile", "-n")
	cmd.Env = []string{"LC_ALL=C", "PATH=/nonexistent"}
	cmd.Stdin = bytes.NewReader(script)
	var said bytes.Buffer
	cmd.Stderr = &said
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return ""
	case ctx.Err() != nil:
		return fmt.Sprintf("could not be looked at by bash within %v", syntaxTimeout)
	case !errors.As(err, &exit):
		return fmt.Sprintf("could not be looked at by bash: %v", err)
	}
	line, _, _ := strings.Cut(said.String(), "\n")
	line = strings.TrimPrefix(line, bash+": ")
	return fmt.Sprintf("is no script that bash can read: %.200s", line)
}
