package testscripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gitlauncher/internal/gittest"
)

// TestLaptop runs doc/deploy.md's commands for a laptop, word for word except for the
// build and the folder /tmp, on both lines of dstack.
func TestLaptop(t *testing.T) {
	bin := programs(t)
	page, err := os.ReadFile("../doc/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)## On a laptop.*?```sh\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("doc/deploy.md has no commands for a laptop")
	}
	build, commands, _ := strings.Cut(string(block[1]), "\n")
	if build != "(cd ../git-launcher && make build)" || strings.Count(commands, "\n") != 5 {
		t.Fatalf("doc/deploy.md has other commands for a laptop than this test knows:\n%s", block[1])
	}
	for line, want := range map[string]string{"0.5": "launched commit ", "0.6": "can launch only commit "} {
		dir := t.TempDir()
		repo, err := gittest.NewSample(filepath.Join(dir, "home/clone"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, "home/git-launcher"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(bin, filepath.Join(dir, "home/git-launcher/bin")); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(commands, "/tmp/", dir+"/")
		text = strings.Replace(text, "--socket", "--dstack "+line+" --socket", 1)
		text = strings.Replace(text, " &\n", " &\nwhile [ ! -S "+dir+"/dstack.sock ]; do sleep 0.05; done\n", 1)
		cmd := exec.Command("bash", "-c", "set -e; trap 'kill %1' EXIT\n"+text)
		cmd.Dir = repo.Dir
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want+repo.Head) || !strings.Contains(string(out), "\nVERIFIED UNDER A ROOT THAT IS NOT INTEL'S: THIS PROVES NOTHING ABOUT HARDWARE\n") {
			t.Errorf("on dstack %s: %v\n%s", line, err, out)
		}
	}
}
