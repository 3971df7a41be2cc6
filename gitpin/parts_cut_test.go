package gitpin_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gitlauncher/gitpin"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/lfstest"
)

// partsCourse returns a course of a checkout with a submodule inside a submodule and Git LFS
// contents in all three repositories. Its launches are a first one, a restart, a restart that
// must fetch a changed content again, and one more restart. It is also cut off at each request
// for a content, when others have been placed already.
func partsCourse(t *testing.T) *course {
	r := newRepos(t)
	server := &lfstest.Server{Dir: t.TempDir()}
	contents := make(map[string]string)
	tracked := func(prefix string) (files []gittest.File) {
		for i := range 3 {
			name := fmt.Sprintf("f%d.bin", i)
			content := strings.Repeat(fmt.Sprintln(prefix, "content", i), 100)
			oid, err := server.Put([]byte(content))
			if err != nil {
				t.Fatal(err)
			}
			contents[prefix+name] = content
			files = append(files, file(name, fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, len(content))))
		}
		return files
	}
	in := r.commit("in", tracked("lib/in/")...)
	lib := r.commit("lib", append(tracked("lib/"), modules("in", "in", "../in.git"), gitlink("in", in))...)
	r.commit("app", append(tracked(""), file("entrypoint.sh", "echo\n"), modules("lib", "lib", "../lib.git"), gitlink("lib", lib))...)
	web := &gittest.Server{Root: r.Root}
	web.Habits = append(web.Habits, server.Habit)
	url := started(t, web)
	p := r.params("app", "")
	p.Repo, p.LFS = address(t, url+"/app.git"), true
	var mu sync.Mutex
	return &course{
		launches: []gitpin.Params{p, p, p, p},
		before: func(launch int, dir string) {
			if launch == 2 {
				if err := os.WriteFile(filepath.Join(dir, "lib/in/f1.bin"), []byte("evil"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		},
		between: func(cut func(string)) {
			mu.Lock()
			defer mu.Unlock()
			server.Download = func(_ http.ResponseWriter, q *http.Request) bool {
				mu.Lock() // one request at a time
				defer mu.Unlock()
				cut("content " + filepath.Base(q.URL.Path)[:8])
				return false
			}
		},
		sound: func(t *testing.T, c *gitpin.Checkout, dir string) {
			t.Helper()
			for path, want := range contents {
				if got, err := os.ReadFile(filepath.Join(dir, path)); err != nil || string(got) != want {
					t.Errorf("%s: %q, %v", path, got, err)
				}
			}
			if got, err := gittest.Git(dir, nil, "status", "--porcelain", "--ignored"); err != nil || strings.Trim(got, "\n") != "" && got != "!! .git-launcher/" {
				t.Errorf("git status: %s %v", got, err)
			}
			got, err := gittest.Git(dir, nil, "submodule", "status", "--recursive")
			for _, want := range []string{" " + lib + " lib", " " + in + " lib/in"} {
				if err != nil || !strings.Contains(got, want) {
					t.Errorf("git submodule status: %s %v", got, err)
				}
			}
		},
	}
}

// TestKilledBetweenParts: a kill leaves the disk as it is at that moment. Whichever part or
// content was the last before it, the next launch succeeds and has them all.
// SECURITY.md: H6.
func TestKilledBetweenParts(t *testing.T) {
	c := partsCourse(t)
	dir := filepath.Join(t.TempDir(), "work")
	var mu sync.Mutex
	kept, names := t.TempDir(), []string{}
	c.run(t, dir, func(launch int, at string) {
		mu.Lock()
		defer mu.Unlock()
		run(t, "cp", "-a", filepath.Dir(dir), filepath.Join(kept, fmt.Sprint(len(names))))
		names = append(names, fmt.Sprintf("launch %d, %s", launch, at))
	})
	offline := 0
	for i, name := range names {
		if !c.again(t, name, filepath.Join(kept, fmt.Sprint(i), "work")) {
			offline++
		}
	}
	counts := make(map[string]int)
	for _, name := range names {
		_, at, _ := strings.Cut(name, ", ")
		at, _, _ = strings.Cut(at, " ")
		counts[at]++
	}
	t.Logf("%d kills (%v); %d starts after them needed no network", len(names), counts, offline)
	if counts["content"] < 10 || counts["materialised"] < 12 || offline == 0 || !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "launch 3") }) {
		t.Errorf("%d kills, %v, %d of them harmless", len(names), counts, offline)
	}
}

// TestPowerCutBetweenParts: the same holds for a power cut. At a mount point, names move one by
// one, which changes their ctimes. Git finds the contents unchanged all the same.
// SECURITY.md: H7.
func TestPowerCutBetweenParts(t *testing.T) {
	for _, place := range []string{"beside", "in a mount"} {
		t.Run(place, func(t *testing.T) { cutPower(t, "ext4", place == "in a mount", 50, partsCourse(t), journal) })
	}
}
