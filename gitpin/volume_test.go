package gitpin_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gitlauncher/gitpin"
	"gitlauncher/internal/testenv"
)

// TestVolumes: what a volume's owner has set on the volume, or on the directory above it,
// does not make restarts slow. The first launch makes the files as a restart wants them, so
// that none is made anew.
// SECURITY.md: W5.
func TestVolumes(t *testing.T) {
	h := newHost(t)
	for name, prepare := range map[string]func(s *site, above string){
		"plain": func(*site, string) {},
		"setgid": func(s *site, above string) {
			if err := os.Chown(above, -1, 1); err != nil && os.Geteuid() == 0 {
				s.Fatal(err)
			}
			s.must(os.Chmod(above, 0o775|os.ModeSetgid))
		},
		"default access rules":         func(s *site, above string) { s.acl(above, "default") },
		"access rules":                 func(s *site, above string) { s.acl(above, "access") },
		"default access rules, setgid": func(s *site, above string) { s.acl(above, "default"); s.must(os.Chmod(above, 0o775|os.ModeSetgid)) },
		"sticky":                       func(s *site, above string) { s.must(os.Chmod(above, 0o777|os.ModeSticky)) },
		"an attribute":                 func(s *site, above string) { s.must(syscall.Setxattr(above, "user.note", []byte("x"), 0)) },
	} {
		for _, inside := range []bool{false, true} {
			where := ", above WORK_DIR"
			if inside {
				where = ", on a mounted WORK_DIR"
			}
			t.Run(name+where, func(t *testing.T) {
				s := &site{TB: t, h: h}
				above := filepath.Join(t.TempDir(), "vol")
				s.must(os.Mkdir(above, 0o755))
				var ignored []string
				s.dir = filepath.Join(above, "work")
				if inside {
					s.dir, ignored = above, []string{"!! .git-launcher/"}
					testenv.Tmpfs(t, above, "size=32m,mode=755")
				}
				prepare(s, above)
				for launch := range 3 {
					var log strings.Builder
					p := h.params(t, h.Head, s.dir)
					p.Log = slog.New(slog.NewTextHandler(&log, nil))
					c, err := gitpin.Pin(context.Background(), p)
					if err != nil {
						t.Fatal(err)
					}
					c.Close()
					if c.Fetched != (launch == 0) || log.Len() > 0 {
						t.Errorf("launch %d: fetched is %t:\n%s", launch, c.Fetched, &log)
					}
					clean(t, h.Dir, h.Head, s.dir, ignored...)
					for _, name := range []string{"entrypoint.sh", "app", ".git", ".git/objects/pack"} {
						attributes, err := syscall.Listxattr(s.path(name), make([]byte, 1000))
						s.must(err)
						if attributes != 0 {
							t.Errorf("launch %d: %s has %d bytes of attributes", launch, name, attributes)
						}
					}
					if info, err := os.Stat(s.path("app")); err != nil || info.Mode() != 0o755|os.ModeDir {
						t.Errorf("launch %d: app is %v %v", launch, info.Mode(), err)
					}
				}
			})
		}
	}
}

// TestEmptySubtrees: directories without files, which git does not make, do not make restarts
// slow: nothing is made anew. SECURITY.md: W5.
func TestEmptySubtrees(t *testing.T) {
	empty := func(o *objects) []byte { return o.tree("") }
	for name, build := range map[string]func(o *objects) []byte{
		"the whole tree": empty,
		"one": func(o *objects) []byte {
			return o.tree(entry("40000", "e", empty(o)) + entry("100644", "x", o.blob("x")))
		},
		"nothing else": func(o *objects) []byte { return o.tree(entry("40000", "e", empty(o))) },
		"in each other": func(o *objects) []byte {
			return o.tree(entry("40000", "a", o.tree(entry("40000", "b", o.tree(entry("40000", "c", empty(o)))))) + entry("100644", "x", o.blob("x")))
		},
		"beside files below": func(o *objects) []byte {
			return o.tree(entry("40000", "a", o.tree(entry("40000", "b", empty(o))+entry("100644", "x", o.blob("x")))))
		},
		"twice": func(o *objects) []byte {
			e := empty(o)
			return o.tree(entry("40000", "a", e) + entry("100644", "b", o.blob("x")) + entry("40000", "c", e))
		},
		"beside a submodule": func(o *objects) []byte {
			return o.tree(entry("40000", "a", o.tree(entry("160000", "s", bytes.Repeat([]byte{1}, 20)))) + entry("40000", "b", empty(o)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var o objects
			commit := o.commit(build(&o))
			dir, err := o.serve(t, commit, nil)
			if err != nil {
				t.Fatal(err)
			}
			h := &host{url: gitOrigin(t, dir)}
			for launch := range 3 {
				var log strings.Builder
				p := h.params(t, strings.TrimSpace(git(t, dir, "rev-parse", "HEAD")), dir)
				p.Log = slog.New(slog.NewTextHandler(&log, nil))
				c, err := gitpin.Pin(context.Background(), p)
				if err != nil {
					t.Fatal(err)
				}
				c.Close()
				if c.Fetched || log.Len() > 0 {
					t.Errorf("restart %d: fetched is %t:\n%s", launch, c.Fetched, &log)
				}
				if got := git(t, dir, "status", "--porcelain", "--ignored"); got != "" {
					t.Errorf("restart %d: git status: %s", launch, got)
				}
				if got := git(t, dir, "fsck"); got != "" {
					t.Errorf("restart %d: git fsck: %s", launch, got)
				}
			}
		})
	}
}

// TestEmptyDirectoryPlanted: an empty directory that git does not make was planted.
func TestEmptyDirectoryPlanted(t *testing.T) {
	var o objects
	commit := o.commit(o.tree(entry("40000", "e", o.tree("")) + entry("100644", "x", o.blob("x"))))
	dir, err := o.serve(t, commit, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "e"), 0o755); err != nil {
		t.Fatal(err)
	}
	h := &host{url: gitOrigin(t, dir)}
	c, err := gitpin.Pin(context.Background(), h.params(t, git(t, dir, "rev-parse", "HEAD"), dir))
	if err != nil || c.Fetched {
		t.Fatal(err)
	}
	c.Close()
	if _, err := os.Lstat(filepath.Join(dir, "e")); err == nil {
		t.Error("it is left")
	}
}

// TestLostAndFound: the error says that WORK_DIR is the root of a file system.
func TestLostAndFound(t *testing.T) {
	h := newHost(t)
	v := newVolume(t, "ext4")
	_, err := h.pin(t, v.at)
	var oe *gitpin.OccupiedError
	if !errors.As(err, &oe) || !strings.Contains(oe.Reason, "lost+found") || !strings.Contains(oe.Reason, "directory below it") {
		t.Errorf("%v", err)
	}
	if _, err := h.pin(t, filepath.Join(v.at, "work")); err != nil {
		t.Errorf("a directory below it: %v", err)
	}
}
