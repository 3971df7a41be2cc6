package compose_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/verify/compose"
	"gitlauncher/verify/compose/appcompose"
)

var update = flag.Bool("update", false, "write VERIFY.md's table of fields anew")

const page = "../../VERIFY.md"

func readPage(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestDocumented: VERIFY.md has the table of fields as the code has it. To write it:
// go test ./verify/compose -run Documented -update
func TestDocumented(t *testing.T) {
	text := readPage(t)
	head, _, _ := strings.Cut(appcompose.Markdown(), "\n")
	before, rest, found := strings.Cut(text, head)
	if !found {
		t.Fatalf("%s has no table %q", page, head)
	}
	have, after, _ := strings.Cut(rest, "\n\n")
	if *update {
		if err := os.WriteFile(page, []byte(before+appcompose.Markdown()+"\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(appcompose.Markdown(), head+have+"\n"); d != "" {
		t.Error(d)
	}
}

// TestVectors: the exceptions that VERIFY.md has for its compose file are those that
// are computed, and the text that it shows is what is hashed.
func TestVectors(t *testing.T) {
	_, section, _ := strings.Cut(readPage(t), "### Exceptions")
	block := func(fence string) string {
		_, rest, _ := strings.Cut(section, "```"+fence+"\n")
		text, _, _ := strings.Cut(rest, "```")
		return text
	}
	data, err := json.Marshal(map[string]any{
		"runner": "docker-compose", "docker_compose_file": block("yaml"),
		"pre_launch_script": "echo hello\n", "allowed_envs": []string{"PATH"}, "verity_volumes": []any{map[string]any{"target": "/usr", "source": "x.img"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(section, "text that is hashed for `service:ingress`")
	_, rest, _ = strings.Cut(rest, "```\n")
	shown, _, _ := strings.Cut(rest, "\n```")
	for _, name := range []string{"service:ingress", "launcher:writable", "pre_launch_script", "allowed_env:PATH", "verity_volumes"} {
		e, err := compose.Explain(t.Context(), data, compose.Expect{LauncherDigests: []string{digest}}, name)
		if err != nil {
			t.Error(err)
			continue
		}
		if line := "| `" + e.Bound() + "` |"; !strings.Contains(section, line) {
			t.Errorf("%s lacks %s", page, line)
		}
		if name == "service:ingress" && string(e.Content) != shown {
			t.Errorf("hashed is\n%s\nand %s shows\n%s", e.Content, page, shown)
		}
	}
}
