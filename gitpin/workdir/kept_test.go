package workdir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// inWork opens a WORK_DIR with one pack and its index.
func inWork(t *testing.T) (d *Dir, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "work")
	packs := filepath.Join(dir, ".git/objects/pack")
	must(t, os.MkdirAll(packs, 0o755), os.WriteFile(filepath.Join(packs, "p.pack"), []byte("pack"), 0o644), os.WriteFile(filepath.Join(packs, "p.idx"), []byte("index"), 0o644))
	d, err := Open(dir, func(Move) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d, dir
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// TestOpenKept: the kept pack must be a regular file with one name, in directories that are
// not links. An index that is not a regular file counts as missing.
// SECURITY.md: W2.
func TestOpenKept(t *testing.T) {
	const own, packs = "the pack is not a file of its own", ".git/objects/pack"
	for name, tc := range map[string]struct {
		change func(dir string) error
		says   string
		index  bool
	}{
		"as it is":                {func(string) error { return nil }, "", true},
		"no index":                {func(dir string) error { return os.Remove(dir + "/p.idx") }, "", false},
		"an index with two names": {func(dir string) error { return os.Link(dir+"/p.idx", dir+"/other") }, "", false},
		"a link for an index": {func(dir string) error {
			return errors.Join(os.Rename(dir+"/p.idx", dir+"/q"), os.Symlink("q", dir+"/p.idx"))
		}, "", false},
		"a pack with two names": {func(dir string) error { return os.Link(dir+"/p.pack", dir+"/other") }, own, false},
		"a link for a pack": {func(dir string) error {
			return errors.Join(os.Rename(dir+"/p.pack", dir+"/q"), os.Symlink("q", dir+"/p.pack"))
		}, own, false},
		"a pipe for a pack": {func(dir string) error {
			return errors.Join(os.Remove(dir+"/p.pack"), syscall.Mkfifo(dir+"/p.pack", 0o644))
		}, own, false},
		"a folder for a pack":   {func(dir string) error { return errors.Join(os.Remove(dir+"/p.pack"), os.Mkdir(dir+"/p.pack", 0o755)) }, own, false},
		"no pack":               {func(dir string) error { return os.Remove(dir + "/p.pack") }, "there are 0 packs", false},
		"two packs":             {func(dir string) error { return os.WriteFile(dir+"/q.pack", nil, 0o644) }, "there are 2 packs", false},
		"a link for the folder": {func(dir string) error { return errors.Join(os.Rename(dir, dir+"2"), os.Symlink("pack2", dir)) }, packs + " is not a directory", false},
		"a link for a folder above": {func(dir string) error {
			objects := filepath.Dir(dir)
			return errors.Join(os.Rename(objects, objects+"2"), os.Symlink("objects2", objects))
		}, ".git/objects is not a directory", false},
		"a file for .git": {func(dir string) error {
			git := filepath.Dir(filepath.Dir(dir))
			return errors.Join(os.RemoveAll(git), os.WriteFile(git, nil, 0o644))
		}, ".git is not a directory", false},
	} {
		t.Run(name, func(t *testing.T) {
			d, dir := inWork(t)
			must(t, tc.change(filepath.Join(dir, packs)))
			kept, err := d.OpenKept(".git")
			var unusable *UnusableError
			if tc.says != "" {
				if !errors.As(err, &unusable) || unusable.Reason != tc.says {
					t.Errorf("%v; want %q", err, tc.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer kept.Close()
			if (kept.Index != nil) != tc.index {
				t.Errorf("the index is %v", kept.Index)
			}
		})
	}
}

// TestOpenRefuses: WORK_DIR must be a directory.
func TestOpenRefuses(t *testing.T) {
	top := t.TempDir()
	must(t, os.WriteFile(top+"/file", nil, 0o600), os.Symlink(".", top+"/link"), syscall.Mkfifo(top+"/pipe", 0o600))
	for name, says := range map[string]string{"link": "is a symbolic link", "file": "is not a directory", "pipe": "is not a directory"} {
		var occupied *OccupiedError
		if _, err := Open(top+"/"+name, nil); !errors.As(err, &occupied) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"file/work", "file/a/work"} {
		var at *os.PathError
		if _, err := Open(top+"/"+name, nil); !errors.As(err, &at) || !strings.HasPrefix(at.Path, top+"/file") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(top+"/"+strings.Repeat("n", 256), nil); !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("a name that is too long: %v", err)
	}
	d, err := Open(top+"/a/b/work", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if info, err := os.Stat(top + "/a/b"); err != nil || !info.IsDir() || d.Inside() {
		t.Errorf("the folders above are not made: %v, %v", info, err)
	}
	if _, err := os.Lstat(top + "/a/b/work"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("WORK_DIR is made: %v", err)
	}
}

// TestMark: Mark writes the origin unless the mark has it already, and succeeds only if the
// mark has it in the end.
func TestMark(t *testing.T) {
	d, dir := inWork(t)
	if err := d.Mark("url"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a control directory: %v", err)
	}
	control := filepath.Join(filepath.Dir(dir), d.control)
	must(t, os.Mkdir(control, 0o700))
	origin := filepath.Join(control, originName)
	for name, change := range map[string]func() error{
		"nothing":      func() error { return nil },
		"another word": func() error { return os.WriteFile(origin, []byte("other"), 0o600) },
		"another mode": func() error { return os.Chmod(origin, 0o644) },
		"two names":    func() error { return os.Link(origin, filepath.Join(dir, "x")) },
		"a link":       func() error { return errors.Join(os.Rename(origin, origin+"2"), os.Symlink("origin2", origin)) },
		"a folder":     func() error { return errors.Join(os.Remove(origin), os.Mkdir(origin, 0o700)) },
		"debris":       func() error { return os.Mkdir(origin+".tmp", 0o700) },
	} {
		must(t, d.Mark("url"), change())
		if err := d.Mark("url"); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		info, err := os.Lstat(origin)
		if text, err2 := os.ReadFile(origin); err != nil || err2 != nil || string(text) != "url" || info.Mode() != 0o600 || links(info) != 1 {
			t.Errorf("%s: %q, %v, %v, %v", name, text, info.Mode(), err, err2)
		}
		os.RemoveAll(filepath.Join(dir, "x"))
	}
	before, err := os.Lstat(origin)
	must(t, err, d.Mark("url"))
	if after, err := os.Lstat(origin); err != nil || !os.SameFile(before, after) {
		t.Errorf("a mark that is right is written again: %v", err)
	}
}

// TestWords: the words that identify a checkout are read from regular files of at most 64 KiB,
// and from nothing else.
func TestWords(t *testing.T) {
	d, dir := inWork(t)
	for name, tc := range map[string]struct {
		make func(path string) error
		want int
	}{
		"as large as may be": {func(p string) error { return os.WriteFile(p, make([]byte, 64<<10), 0o600) }, 64 << 10},
		"a byte larger":      {func(p string) error { return os.WriteFile(p, make([]byte, 64<<10+1), 0o600) }, 0},
		"a link":             {func(p string) error { return os.Symlink(".git/objects/pack/p.pack", p) }, 0},
		"a pipe":             {func(p string) error { return syscall.Mkfifo(p, 0o600) }, 0},
		"a folder":           {func(p string) error { return os.Mkdir(p, 0o700) }, 0},
		"nothing":            {func(string) error { return nil }, 0},
	} {
		at := filepath.Join(dir, "word")
		must(t, os.RemoveAll(at), tc.make(at))
		if got := d.readWord(d.inTree("word")); len(got) != tc.want {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
}
