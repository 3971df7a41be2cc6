package gitpin_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
)

// TestSubmoduleLimits tests below, at and above each limit. At the limit the pin ends for
// another reason: no server has the first submodule.
// SECURITY.md: M3.
func TestSubmoduleLimits(t *testing.T) {
	const lines, line = 96, 1 << 10
	long := strings.Repeat("x", 240) + "/"
	for name, c := range map[string]struct {
		n    int
		path func(i int) string
		says string
	}{
		"999":   {999, func(i int) string { return fmt.Sprintf("s%d", i) }, ""},
		"1,000": {1000, func(i int) string { return fmt.Sprintf("s%d", i) }, ""},
		"1,001": {1001, func(i int) string { return fmt.Sprintf("s%d", i) }, "is one of more than 1000"},
		"names that fit": {lines, func(i int) string {
			return fmt.Sprintf("%s%0*d", strings.Repeat(long, 4), line-42-4*len(long), i)
		}, ""},
		"names that don't": {lines, func(i int) string {
			return fmt.Sprintf("%s%0*d", strings.Repeat(long, 4), line-42-4*len(long)+min(i, 1), i)
		}, "no room in the launch record"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepos(t)
			var triples []string
			files := []gittest.File{file("entrypoint.sh", "echo\n")}
			for i := range c.n {
				triples = append(triples, fmt.Sprint(i), c.path(i), "../none.git")
				files = append(files, gitlink(c.path(i), strings.Repeat("1", 40)))
			}
			r.commit("app", append(files, modules(triples...))...)
			p := r.params("app", filepath.Join(t.TempDir(), "work"))
			p.Retries = 0
			r.Requests()
			_, err := gitpin.Pin(context.Background(), p)
			var plan *gitpin.PlanError
			var failed *gitpin.FetchError
			asked := slices.ContainsFunc(r.Requests(), func(q gittest.Request) bool { return strings.HasPrefix(q.URL, "/none.git") })
			switch {
			case c.says == "" && (!errors.As(err, &failed) || failed.Reason != fetch.NotFound || !asked):
				t.Errorf("%v", err)
			case c.says != "" && (!errors.As(err, &plan) || !strings.Contains(err.Error(), c.says) || asked):
				t.Errorf("%v; asked %t", err, asked)
			}
		})
	}
}

// TestSubmoduleDepth: a repository whose commits have earlier ones as submodules, 15, 16 and
// 17 levels deep.
// SECURITY.md: M3.
func TestSubmoduleDepth(t *testing.T) {
	r := newRepos(t)
	last := r.commit("chain", file("entrypoint.sh", "echo\n"))
	for n := 1; n <= 17; n++ {
		r.commit("chain", gitlink("d", last), modules("d", "d", "../chain.git"))
		last = r.commits["chain"]
		p := r.params("chain", filepath.Join(t.TempDir(), "work"))
		p.FetchTimeout = time.Minute
		switch {
		case n < 15:
		case n <= 16:
			checkout, err := gitpin.Pin(context.Background(), p)
			if err != nil || len(checkout.Submodules) != n {
				t.Fatalf("%d: %v", n, err)
			}
			checkout.Close()
		default:
			var plan *gitpin.PlanError
			r.refused(t, p, &plan, "lies in 16 others")
		}
	}
}

// TestSubmodulesTogether: the limits are for all repositories together.
// SECURITY.md: M3.
func TestSubmodulesTogether(t *testing.T) {
	r := family(t)
	whole := r.pin(t, "app", filepath.Join(t.TempDir(), "work"))
	var size int64
	for path, f := range whole.All() {
		if f.Mode == object.ModeFile {
			text, err := "", error(nil)
			for _, name := range []string{"app", "lib", "in", "other"} {
				if text, err = gittest.Git(filepath.Join(r.Root, name+".git"), nil, "cat-file", "-s", f.ID.String()); err == nil {
					break
				}
			}
			n, perr := strconv.ParseInt(text, 10, 64)
			if err != nil || perr != nil {
				t.Fatal(path, err, perr)
			}
			size += n
		}
	}
	const entries = 6 + 4 + 2 + 1
	for name, c := range map[string]struct {
		set  func(p *gitpin.Params)
		says string
	}{
		"files at the limit": {func(p *gitpin.Params) { p.MaxFiles = entries }, ""},
		"files above":        {func(p *gitpin.Params) { p.MaxFiles = entries - 1 }, "the object limit of 3"},
		"bytes at the limit": {func(p *gitpin.Params) { p.MaxTreeBytes = size }, ""},
		"bytes above":        {func(p *gitpin.Params) { p.MaxTreeBytes = size - 1 }, "the tree limit of"},
		"packs above":        {func(p *gitpin.Params) { p.MaxPackBytes = 600 }, "the pack limit of"},
	} {
		t.Run(name, func(t *testing.T) {
			p := r.params("app", filepath.Join(t.TempDir(), "work"))
			c.set(&p)
			if c.says == "" {
				checkout, err := gitpin.Pin(context.Background(), p)
				if err != nil {
					t.Fatal(err)
				}
				checkout.Close()
				return
			}
			var failed *gitpin.FetchError
			r.refused(t, p, &failed, "submodule ", c.says)
			if failed != nil && failed.Reason != fetch.TooLarge {
				t.Errorf("the reason is %v", failed.Reason)
			}
		})
	}
	t.Run("time", func(t *testing.T) {
		silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		r.t = t
		r.commit("app", file("entrypoint.sh", "echo\n"), gitlink("a", r.commits["lib"]), modules("a", "a", "http://"+silent.Addr().String()+"/x.git"))
		p := r.params("app", filepath.Join(t.TempDir(), "work"))
		p.StallTimeout, p.FetchTimeout = time.Minute, 6*time.Second
		begun := time.Now()
		var failed *gitpin.FetchError
		r.refused(t, p, &failed, "the fetch timeout is over")
		if took := time.Since(begun); took > p.FetchTimeout+5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
