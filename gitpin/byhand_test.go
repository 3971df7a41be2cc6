package gitpin_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gitlauncher/gitpin"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/lfstest"
)

// contentByHand returns the last block of commands in "The same by hand" of VERIFY.md. It
// computes the digests of a launch record from a clone.
func contentByHand(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../VERIFY.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) == 0 || !strings.Contains(blocks[len(blocks)-1][1], "content_sha256") {
		t.Fatal("VERIFY.md has no commands for the content")
	}
	return "set -euo pipefail\n" + blocks[len(blocks)-1][1]
}

// TestListedByHand: with git, jq and coreutils, anyone can list submodules and Git LFS files
// exactly as the launcher does. Misleading names and contents are among them.
func TestListedByHand(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		t.Fatal("needs jq")
	}
	for _, options := range [][]string{nil, {gittest.SHA256}} {
		r := newRepos(t, options...)
		server := &lfstest.Server{Dir: t.TempDir()}
		tracked := func(path, content string) gittest.File {
			oid, err := server.Put([]byte(content))
			if err != nil {
				t.Fatal(err)
			}
			return file(path, fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, len(content)))
		}
		exe := tracked("bin/a b", "#!/bin/sh\n")
		exe.Mode = "100755"
		like := tracked("like", "x").Content
		in := r.commit("in", tracked("new\nline.bin", "x"), file("like", like+strings.Repeat("x", 1024)), file("empty", ""))
		lib := r.commit("lib", tracked("-n", "y"), exe, modules("in", "in dir", "../in.git"), gitlink("in dir", in))
		mods := modules("lib", "lib", "../lib.git", "none", "none", "../lib.git")
		mods.Content += "\tupdate = none\n"
		r.commit("app", tracked("z.bin", "z\x00z"), tracked("empty.bin", ""), file("nul", "\x00\n"), file("half", like[:30]+"\x00"), gittest.File{Path: "link", Mode: "120000", Content: like},
			mods, gitlink("lib", lib), gitlink("none", lib), file("entrypoint.sh", "echo\n"))
		web := &gittest.Server{Root: r.Root}
		web.Habits = append(web.Habits, server.Habit)
		url := started(t, web)
		p := r.params("app", filepath.Join(t.TempDir(), "work"))
		p.Repo, p.LFS = address(t, url+"/app.git"), true
		c, err := gitpin.Pin(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		dir := t.TempDir()
		if _, err := gittest.Git(dir, nil, "clone", "-q", "--recurse-submodules", url+"/app.git", "clone"); err != nil {
			t.Fatal(err)
		}
		var placed []string
		for _, s := range c.Submodules {
			placed = append(placed, s.Commit.String()+" "+s.Path)
		}
		record := func(content, lfs string) {
			t.Helper()
			text, err := json.Marshal(map[string]string{"commit": p.Commit.String(), "submodules": strings.Join(placed, "\n"), "content_sha256": content, "lfs_sha256": lfs})
			if err == nil {
				text, err = json.Marshal(map[string]string{"record": string(text)})
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "receipt.json"), text, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		run := func() string {
			cmd := exec.Command("bash", "-c", contentByHand(t))
			cmd.Dir, cmd.Env = dir, gittest.Env()
			out, _ := cmd.CombinedOutput()
			return string(out)
		}
		const first, second = "the content is that commit\n", "the Git LFS files are those of its pointers\n"
		record(c.ContentSHA256(), c.LFSSHA256())
		if got := run(); got != first+second {
			t.Errorf("by hand:\n%s", got)
		}
		record(c.ContentSHA256(), c.ContentSHA256())
		if got := run(); got != first {
			t.Errorf("another lfs_sha256:\n%s", got)
		}
		record(c.LFSSHA256(), c.LFSSHA256())
		if got := run(); strings.Contains(got, first) {
			t.Errorf("another content_sha256:\n%s", got)
		}
	}
}
