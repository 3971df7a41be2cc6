//go:build image

package test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/composeenv"
	"gitlauncher/internal/strictyaml"
)

// scalars are ways to write a variable's value. The key is indented by six blanks, and lines
// after the first by eight.
var scalars = []string{
	// Blocks, their chomping and their indentation.
	"|\n        one\n        two\n",
	"|-\n        one\n        two\n",
	"|+\n        one\n        two\n\n\n",
	"|\n        one\n        two\n\n\n",
	"|2\n          two blanks more\n        one\n",
	"|-2\n          two blanks more\n",
	"|+2\n          two blanks more\n\n",
	"|2-\n          two blanks more\n",
	"|\n        one\n          deeper\n        two\n",
	"|\n\n        after an empty line\n",
	"|\n        trailing blanks  \n        and a tab\t\n",
	"|\n        # no comment\n        KEY=value # nor here\n",
	"| # a comment\n        one\n",
	"|\n        quotes \"two\" 'one' and \\n \\\\ backslashes\n",
	"|\n        a: b\n        - c\n        {d: e}\n",
	"|\n        --- no document\n",
	"|\n        \ttab first\n",
	"|\n        last line without a break",
	// Folded ones.
	">\n        one\n        two\n",
	">-\n        one\n        two\n",
	">+\n        one\n        two\n\n",
	">\n        one\n\n        two\n\n\n        three\n",
	">\n        one\n          deeper\n          still\n        two\n",
	">\n        trailing  \n        blanks\n",
	// $ and what Compose makes of it.
	"|\n        RUN_CMD=echo $$HOME $${HOME} $$$$ $$(id) $$\n",
	"$$A", "\"$$A\"", "'$$A'", "a$$", "$$$$", "\"$$$$$$\"", "$${A:-b}", "$$$${A}",
	// Quotes.
	`"one"`, `'one'`, `"it's"`, `'say "x"'`, `'it''s'`, `"\"q\" \\ \/ \t \n end"`, `"\x41\u00e9\U0001f600"`, `"\e[31m"`, `"\N\L\P\_"`, `""`, `''`,
	"\"one\n        two\"\n", "'one\n\n        two'\n", "\"one\\\n        two\"\n", "\"one  \n          two\"\n",
	// Plain ones.
	"plain", "with blanks inside", "one\n        two\n", "a:b", "a#b", "a=b=c", "-dash", "é ü 日本 😀", "?x", "a,b", "[a", "~x", "!!x"[2:],
	// Values that are not strings.
	"1", "0", "-1", "017", "0o17", "0x1f", "1_000", "1.50", "1e6", "1.0", "-0.5", "1e3", "9007199254740993", "true", "false", "True", "TRUE", "yes", "no", "on", "off", "y", "n", "\"true\"", "'1.50'", "12e03", ".5", "1.", "+1", "0b11", "1:30", "190:20:30",
}

// TestComposeScalars makes the real Compose pass each value to a container, and compares its
// bytes with what the verifier and the launcher read from the same file. Those two may refuse
// a value that has more than one meaning, but must not read a different one.
func TestComposeScalars(t *testing.T) {
	reg := registry(t)
	image := pulled(t, reg, "git-launcher")
	head := func(service string) string {
		return fmt.Sprintf("  %s:\n    image: %s\n    entrypoint: [/usr/bin/env, '-0']\n    network_mode: none\n    environment:\n", service, image)
	}
	mapping, list := head("mapping"), head("list")
	refused := 0
	want := map[string]map[string]string{"mapping": {}, "list": {}}
	for i, text := range scalars {
		name := fmt.Sprintf("V%03d", i)
		scalar := strings.TrimSuffix(text, "\n") + "\n"
		value, ok := ours(t, "      "+name+": "+scalar, name)
		if !ok {
			refused++
			t.Logf("not read by ours: %q", text)
			continue
		}
		mapping += "      " + name + ": " + scalar
		want["mapping"][name] = value
	}
	for i, entry := range []string{"plain", "$$A", "017", "true", "1.50", "a=b", "", "'", " lead", "it's # no comment"[:4], "# x"} {
		name := fmt.Sprintf("L%03d", i)
		line := fmt.Sprintf("      - %s=%s\n", name, entry)
		if strings.ContainsAny(entry, "#' ") {
			line = fmt.Sprintf("      - '%s=%s'\n", name, strings.ReplaceAll(entry, "'", "''"))
		}
		value, ok := ours(t, line, name)
		if !ok {
			t.Errorf("not read by ours: %q", line)
			continue
		}
		list += line
		want["list"][name] = value
	}
	block := "      - |\n        LBLOCK=one\n        two $$\n"
	if want["list"]["LBLOCK"], _ = ours(t, block, "LBLOCK"); want["list"]["LBLOCK"] != "one\ntwo $\n" {
		t.Errorf("a block in a list is read as %q", want["list"]["LBLOCK"])
	}
	if refused > len(scalars)/4 {
		t.Errorf("%d of %d are not read", refused, len(scalars))
	}

	dir := t.TempDir()
	file, name := filepath.Join(dir, "compose.yaml"), unique("scalars")
	write(t, file, "services:\n"+mapping+list+block)
	compose := func(args ...string) string {
		return must(t, filepath.Join(top, "bin/docker-compose"), append([]string{"--project-name", name, "--file", file}, args...)...)
	}
	t.Cleanup(func() { compose("down", "--timeout", "1") })
	compose("up", "--detach")
	for service, values := range want {
		id := compose("ps", "--all", "--quiet", service)
		if code := docker(t, "wait", id); code != "0" {
			t.Fatalf("%s ends with %s", service, code)
		}
		got := environment(t, id)
		for variable, value := range values {
			if passed, there := got[variable]; !there || passed != value {
				t.Errorf("%s: ours reads %q, Compose passes %q (%t)", variable, value, passed, there)
			}
		}
	}
	t.Logf("%d values are the same, %d ours does not read", len(want["mapping"])+len(want["list"]), refused)
}

// ours returns what the verifier and the launcher read from one line of an environment. ok
// is false where they refuse it or do not take it for a literal.
func ours(t *testing.T, line, variable string) (value string, ok bool) {
	t.Helper()
	file, err := strictyaml.Decode([]byte("services:\n  app:\n    environment:\n" + line + "    read_only: true\n"))
	if err != nil {
		return "", false
	}
	vars, err := composeenv.Of(file["services"].(map[string]any)["app"].(map[string]any))
	if err != nil || len(vars) != 1 || vars[0].Name != variable {
		return "", false
	}
	return vars[0].Value, vars[0].Literal
}

// environment returns what a container that ran `env -0` has printed.
func environment(t *testing.T, container string) map[string]string {
	t.Helper()
	var out string
	for end := time.Now().Add(20 * time.Second); !strings.HasSuffix(out, "\x00"); {
		if time.Now().After(end) {
			t.Fatalf("no environment came: %q", out)
		}
		out = docker(t, "logs", container)
	}
	values := make(map[string]string)
	for _, kv := range strings.Split(out, "\x00") {
		name, value, _ := strings.Cut(kv, "=")
		values[name] = value
	}
	return values
}
