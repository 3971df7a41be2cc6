package gitpin_test

import (
	"bytes"
	"errors"
	"math/rand"
	"os"
	"path/filepath"
	"testing"

	"gitlauncher/gitpin"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/internal/gittest"
)

func large() []byte {
	b := make([]byte, 5<<20)
	rand.New(rand.NewSource(1)).Read(b)
	return b
}

// TestLargeFiles: a blob that streams to the disk reaches its paths. It may arrive before or
// after the chain has named it, and it may arrive twice. It may have one path or several, and
// be executable or not.
func TestLargeFiles(t *testing.T) {
	content := large()
	id := gittest.ID("blob", content)
	for name, build := range map[string]func(o *objects) []byte{
		"after the tree": func(o *objects) []byte {
			commit := o.commit(o.tree(entry("100644", "a", id)))
			o.entries[0], o.entries[1] = o.entries[1], o.entries[0]
			o.blob(string(content))
			return commit
		},
		"before the tree": func(o *objects) []byte {
			o.blob(string(content))
			return o.commit(o.tree(entry("100644", "a", id)))
		},
		"executable, at two paths, sent twice": func(o *objects) []byte {
			commit := o.commit(o.tree(entry("100755", "a", id) + entry("100644", "b", id)))
			o.entries[0], o.entries[1] = o.entries[1], o.entries[0]
			o.blob(string(content))
			o.blob(string(content))
			return commit
		},
		"beside one that nobody names": func(o *objects) []byte {
			commit := o.commit(o.tree(entry("100644", "a", id)))
			o.entries[0], o.entries[1] = o.entries[1], o.entries[0]
			o.blob(string(content[1:]))
			o.blob(string(content))
			return commit
		},
	} {
		t.Run(name, func(t *testing.T) {
			var o objects
			commit := build(&o)
			dir, err := o.serve(t, commit, func(p *gitpin.Params) { p.MaxTreeBytes = 11 << 20 })
			if err != nil {
				t.Fatal(err)
			}
			names, err := filepath.Glob(filepath.Join(dir, "[ab]"))
			if err != nil || len(names) == 0 {
				t.Fatalf("%v %v", names, err)
			}
			for _, name := range names {
				got, err := os.ReadFile(name)
				info, err2 := os.Stat(name)
				if err != nil || err2 != nil || !bytes.Equal(gittest.ID("blob", got), id) {
					t.Errorf("%s: %v %v, %d bytes", name, err, err2, len(got))
				} else if exec := name == filepath.Join(dir, "a") && len(names) == 2; exec != (info.Mode() == 0o755) || !exec != (info.Mode() == 0o644) {
					t.Errorf("%s has mode %v", name, info.Mode())
				}
			}
			for _, args := range [][]string{{"status", "--porcelain"}, {"fsck"}} {
				if out, err := gittest.Git(dir, nil, args...); err != nil || out != "" {
					t.Errorf("git %s: %s %v", args[0], out, err)
				}
			}
			if _, err := os.Lstat(filepath.Join(dir, ".git/large")); err == nil {
				t.Error("the temporary file is left")
			}
		})
	}
}

// TestLargeRefused: a streamed blob, too, must be within the limit, and can't be a symbolic
// link.
func TestLargeRefused(t *testing.T) {
	content := large()
	build := func(o *objects, mode string) []byte {
		commit := o.commit(o.tree(entry(mode, "a", gittest.ID("blob", content))))
		o.entries[0], o.entries[1] = o.entries[1], o.entries[0]
		o.blob(string(content))
		return commit
	}
	var o, l objects
	var le *pack.LimitError
	if _, err := o.serve(t, build(&o, "100644"), func(p *gitpin.Params) { p.MaxTreeBytes = 5<<20 - 1 }); !errors.As(err, &le) || le.What != "tree" {
		t.Errorf("one byte more than the limit: %v", err)
	}
	var te *object.TreeError
	if _, err := l.serve(t, build(&l, "120000"), nil); !errors.As(err, &te) {
		t.Errorf("a symbolic link of 5 MiB: %v", err)
	}
}
