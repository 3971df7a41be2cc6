package compose_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"gitlauncher/verify/compose"
)

// TestUnreadable: composes that others may read differently, or that take forever.
// SECURITY.md: E6, E8.
func TestUnreadable(t *testing.T) {
	var ports strings.Builder
	for i := range 20 {
		fmt.Fprintf(&ports, "- \"1-%d/udp\"\n", 65535-i)
	}
	bomb := "x-a: &a [x]\n"
	for c := 'b'; c < 'z'; c++ {
		bomb += fmt.Sprintf("x-%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 8), c-1)
	}
	ranges := func(old, new string) string { return file("ports:\n" + strings.ReplaceAll(ports.String(), old, new)) }
	const many = "has too many ports to write out"
	for name, of := range map[string]struct{ text, says string }{
		"empty": {"", "is empty"}, "second document": {file("pid: host") + "---\n" + file(""), "begins a second document"}, "hidden by reset": {file("pid: !reset null"), `has the tag "!reset"`}, "overridden": {file("ports: !override []"), `has the tag "!override"`},
		"external in words": {file("", "volumes: {a: {external: 'false'}}"), "can't be read"},
		"same key twice":    {file("image: y"), `has the key "image", which line 3 has, too`}, "not a mapping": {"[]", "is not a mapping"},
		"port ranges": {file("ports:\n" + ports.String()), many}, "port ranges with zeros": {ranges("1-", "1-"+strings.Repeat("0", 300)), many},
		"port ranges with some zeros": {ranges("1-", "01-000"), many}, "port ranges in caps": {file("ports:\n" + strings.ToUpper(ports.String())), many}, "port ranges of no protocol": {ranges("udp", ""), many},
		"one port more than 8,192": {file(`ports: ["1-8194"]`), many}, "and in two ranges": {file(`ports: ["1-4097/udp", "1-4097", "1-2"]`), many}, "a port of 257 bytes": {file(`ports: ["` + strings.Repeat("0", 255) + `80"]`), many},
		"alias bomb": {bomb + file(""), "is too much to judge"}, "alias in itself": {"x-a: &a {b: *a}\n" + file(""), "has an alias within itself"}, "deep": {"x-a: " + strings.Repeat("[", 20000) + "\n" + file(""), "exceeded max depth"},
	} {
		data, _ := json.Marshal(map[string]any{"runner": "docker-compose", "docker_compose_file": of.text})
		if _, err := compose.Judge(t.Context(), data, compose.Expect{LauncherDigests: []string{digest}}); err == nil || !strings.Contains(err.Error(), of.says) {
			t.Errorf("%s: %v; want %q", name, err, of.says)
		}
	}
	for name, text := range map[string]string{
		"document's mark": "---\n" + file("") + "...\n", "some ports": file(`ports: ["8000-9000:8000-9000", "127.0.0.1:1-2:3-4/tcp", {target: 5, published: "6-7"}]`), "numbers": file(`ports: [8080, "53/udp"]`),
		"as many ports as may be": file(`ports: ["1-8193"]`), "and in two ranges": file(`ports: ["1-4097/udp", "1-4097"]`),
	} {
		if r := judge(t, text, nil, compose.Expect{}); len(denied(r)) > 0 {
			t.Errorf("%s: denied %q", name, denied(r))
		}
	}
}

// TestWork: a compose file whose reading would cost too much is refused before it
// is read, however small it is; a large honest one is judged.
// SECURITY.md: E8.
func TestWork(t *testing.T) {
	many := func(n int, line string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, strings.ReplaceAll(line, "#", "%[1]d")+"\n", i)
		}
		return b.String()
	}
	refused := func(text string) error {
		data, _ := json.Marshal(map[string]any{"runner": "docker-compose", "docker_compose_file": text})
		_, err := compose.Judge(t.Context(), data, compose.Expect{LauncherDigests: []string{digest}})
		return err
	}
	for name, text := range map[string]string{
		"18 KB of brackets":  file("", "x-a: "+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)),
		"dashes":             file("", "x-a:\n  "+strings.Repeat("- ", 2000)),
		"keys at the top":    file("") + many(20_000, "x-#: 1"),
		"services":           file("") + many(9_000, "  s#: {image: x}"),
		"variables":          file("environment:") + many(10_000, "      A#: b"),
		"configs":            file("", "configs:\n"+many(9_000, "  c#: {content: x}")),
		"long names":         file("", "  "+strings.Repeat("s", 60)+":\n    image: x\n    volumes:\n"+many(9_000, "    - v#:/x")),
		"keys behind merges": "x-m: &m {" + many(400, "k#: 1,") + "}\n" + file("") + many(400, "  s#: {<<: *m, image: x}"),
		"one long key":       file("", "? x-"+strings.Repeat("a.", 100_000)+"\n: [1, 2, 3, 4, 5]"),
		"long keys in depth": file("", "? x-"+strings.Repeat("a.", 2500)+"\n: ["+strings.Repeat("1,", 400)+"]"),
	} {
		if err := refused(text); err == nil || !strings.Contains(err.Error(), "too much to judge") {
			t.Errorf("%s: %v", name, err)
		}
	}
	large := file("environment:\n"+many(500, "  A#: b"), many(300, "  s#: {image: 'x:#', environment: [A=1, B=2], volumes: ['d#:/data'], depends_on: [launcher]}"), "volumes:", many(300, "  d#: {}"))
	if err := refused(large); err != nil {
		t.Errorf("300 services: %v", err)
	}
}

// TestBounds: the most expensive composes that are judged cost no more than this.
func TestBounds(t *testing.T) {
	many := func(n int, line string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, strings.ReplaceAll(line, "#", "%[1]d")+"\n", i)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"volumes in a list": file("", "  s:\n    image: x\n    volumes:\n"+many(9_000, "    - v#:/x")),
		"volumes":           file("", "  s:\n    image: x\nvolumes:\n"+many(400, "  v#: {name: x, driver: local, driver_opts: {a: b, c: d, e: f, g: h}}")),
		"services":          file("", many(400, "  s#: {image: x, environment: [A=1, B=2], volumes: ['d#:/data'], ports: [80, 81], depends_on: [launcher]}")),
		"variables":         file("environment:\n"+many(900, "  A#: b"), "x-s: &s\n  environment:\n"+many(20, "    A#: b")),
		"extensions":        file("", many(350, "  s#: {x-a: {b: {c: {d: [1,2,3]}}}}")),
		"ports":             file("ports: ['1-8000:1-8000']"),
		"long names":        file("", "x-"+strings.Repeat("a.", 100)+": ["+strings.Repeat("1,", 500)+"]"),
	} {
		data, _ := json.Marshal(map[string]any{"runner": "docker-compose", "docker_compose_file": text})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := compose.Judge(t.Context(), data, compose.Expect{LauncherDigests: []string{digest}})
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 72 || err != nil {
			t.Errorf("%s: %d MiB, %v, %v", name, mb, took, err)
		} else {
			t.Logf("%s: %d MiB, %v", name, mb, took)
		}
	}
}

// TestLargestApp: the most expensive app-composes of the largest size cost no more than
// this, whatever the judgement.
func TestLargestApp(t *testing.T) {
	fill := func(unit string) string { return strings.Repeat(unit, (compose.MaxSize-200)/len(unit)) }
	for name, doc := range map[string]string{
		"objects": `{"runner":"docker-compose","x":[` + fill("{},") + `{}]}`,
		"lists":   `{"runner":"docker-compose","x":[` + fill("[],") + `[]]}`,
		"numbers": `{"runner":"docker-compose","x":[` + fill("0,") + `0]}`,
		"fields": `{"runner":"docker-compose"` + func() (s string) {
			var b strings.Builder
			for i := range 60_000 {
				fmt.Fprintf(&b, `,"f%d":1`, i)
			}
			return b.String()
		}() + `}`,
		"variables":      `{"runner":"docker-compose","allowed_envs":[` + fill(`"A",`) + `"A"]}`,
		"bad variables":  `{"runner":"docker-compose","allowed_envs":[` + fill(`"",`) + `""]}`,
		"init scripts":   `{"runner":"docker-compose","init_script":[` + fill(`"",`) + `""]}`,
		"a script":       `{"runner":"docker-compose","pre_launch_script":"` + fill("x") + `"}`,
		"escapes":        `{"runner":"docker-compose","pre_launch_script":"` + fill("\\u0041") + `"}`,
		"a compose file": `{"runner":"docker-compose","docker_compose_file":"` + fill("\\n") + `"}`,
		"its most signs": `{"runner":"docker-compose","docker_compose_file":"a: [` + strings.Repeat("x,", 32_000) + `]"}`,
		"nesting":        `{"runner":"docker-compose","x":` + fill("[") + `}`,
		"verity volumes": `{"runner":"docker-compose","verity_volumes":[` + fill("{},") + `{}]}`,
		"requirements":   `{"runner":"docker-compose","requirements":{"gpu_policy":[` + fill("{},") + `{}]}}`,
	} {
		data := []byte(doc)
		if len(data) > compose.MaxSize {
			t.Fatalf("%s: %d bytes", name, len(data))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := compose.Judge(t.Context(), data, compose.Expect{LauncherDigests: []string{digest}})
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		mb := (after.TotalAlloc - before.TotalAlloc) >> 20
		if mb > 64 || err == nil {
			t.Errorf("%s: %d MiB, %v", name, mb, err)
		}
		t.Logf("%s: %d MiB, %v, %.80v", name, mb, took, err)
	}
}

// TestNothingRuns: reading a compose runs nothing and opens nothing that it names.
// SECURITY.md: E7.
func TestNothingRuns(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "ran")
	for _, line := range []string{"command: \"`touch " + trace + "`\"", "command: $(touch " + trace + ")", "entrypoint: '`touch " + trace + "`'", "healthcheck: {test: '`touch " + trace + "`'}", "env_file: " + trace, "label_file: " + trace, "extends: {file: " + trace + ", service: x}"} {
		data, _ := json.Marshal(map[string]any{"runner": "docker-compose", "docker_compose_file": file(line)})
		r, err := compose.Judge(t.Context(), data, compose.Expect{LauncherDigests: []string{digest}})
		if err == nil && len(denied(r)) == 0 {
			t.Errorf("%s passes", line)
		}
		if err != nil && strings.Contains(err.Error(), "no such file") {
			t.Errorf("%s: a file was looked for: %v", line, err)
		}
	}
	if _, err := os.Stat(trace); err == nil {
		t.Error("a command was run")
	}
}
