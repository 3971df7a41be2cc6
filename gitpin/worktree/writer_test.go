package worktree_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/proof"
	"gitlauncher/gitpin/worktree"
)

func newWriter(t *testing.T) (*worktree.Writer, *disk) {
	t.Helper()
	d := &disk{t: t, dir: t.TempDir()}
	root, err := os.OpenRoot(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	w := worktree.NewWriter(root)
	t.Cleanup(func() { w.Close(); root.Close() })
	return w, d
}

// TestWriter: files have exactly their modes and contents, whatever the umask is. Their numbers
// lead to their stat data.
func TestWriter(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	w, d := newWriter(t)
	script, err := w.Write("d/e/a.sh", object.ModeExec, []byte("one"))
	d.must(err)
	large, err := w.Stream("d/b", object.ModeFile, func(to io.Writer) error {
		_, err := io.Copy(to, io.LimitReader(zeros{}, 1<<20))
		return err
	})
	d.must(err)
	link, err := w.Symlink("d/link", []byte("e/a.sh"))
	d.must(err, w.Folder("empty"))
	for path, mode := range map[string]os.FileMode{"d": 0o755 | os.ModeDir, "d/e": 0o755 | os.ModeDir, "empty": 0o755 | os.ModeDir, "d/e/a.sh": 0o755, "d/b": 0o644} {
		if info, err := os.Lstat(d.at(path)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	one, err := os.ReadFile(d.at("d/link"))
	d.must(err)
	if b, err := os.ReadFile(d.at("d/b")); string(one) != "one" || err != nil || !bytes.Equal(b, make([]byte, 1<<20)) {
		t.Errorf("%q, %d bytes, %v", one, len(b), err)
	}
	stats := w.Stats([]proof.File{{Number: link}, {Number: proof.NotMade}, {Number: large}, {Number: script}})
	if stats[0].Size != 6 || stats[1] != (worktree.Stat{}) || stats[2].Size != 1<<20 || stats[3].Size != 3 {
		t.Errorf("%+v", stats)
	}
	old, err := w.Age("d/b")
	if d.must(err); old.MtimeSec+2 != stats[2].MtimeSec || old.MtimeNsec != stats[2].MtimeNsec {
		t.Errorf("aged from %+v to %+v", stats[2], old)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestWriterFails: a file that can't be made is an error with its path. The writer neither
// writes to files that exist nor follows links.
func TestWriterFails(t *testing.T) {
	fails := errors.New("the pack ends here")
	const long = 4096
	for name, tc := range map[string]struct {
		make func(w *worktree.Writer) error
		want error
		path string
	}{
		"a file that is there":            {func(w *worktree.Writer) error { _, err := w.Write("there", object.ModeFile, nil); return err }, unix.EEXIST, "there"},
		"a file where a link is":          {func(w *worktree.Writer) error { _, err := w.Write("link", object.ModeFile, nil); return err }, unix.EEXIST, "link"},
		"a file below a file":             {func(w *worktree.Writer) error { _, err := w.Write("there/x", object.ModeFile, nil); return err }, unix.ENOTDIR, "there"},
		"a file below a link":             {func(w *worktree.Writer) error { _, err := w.Write("link/x", object.ModeFile, nil); return err }, unix.ENOTDIR, "link"},
		"a symbolic link where one is":    {func(w *worktree.Writer) error { _, err := w.Symlink("link", []byte("x")); return err }, unix.EEXIST, "link"},
		"a symbolic link where a file is": {func(w *worktree.Writer) error { _, err := w.Symlink("there", []byte("x")); return err }, unix.EEXIST, "there"},
		"a symbolic link to nothing":      {func(w *worktree.Writer) error { _, err := w.Symlink("new", nil); return err }, unix.ENOENT, "new"},
		"a symbolic link that is too long": {func(w *worktree.Writer) error {
			_, err := w.Symlink("new", bytes.Repeat([]byte("x"), long))
			return err
		}, unix.ENAMETOOLONG, "new"},
		"a symbolic link with a long name": {func(w *worktree.Writer) error { _, err := w.Symlink(strings.Repeat("n", 256), []byte("x")); return err }, unix.ENAMETOOLONG, ""},
		"a symbolic link below a file":     {func(w *worktree.Writer) error { _, err := w.Symlink("there/x", []byte("x")); return err }, unix.ENOTDIR, "there"},
		"a folder where a file is":         {func(w *worktree.Writer) error { return w.Folder("there") }, unix.ENOTDIR, "there"},
		"a file of what ends too early": {func(w *worktree.Writer) error {
			_, err := w.Stream("new", object.ModeFile, func(io.Writer) error { return fails })
			return err
		}, fails, ""},
		"the age of what is not there": {func(w *worktree.Writer) error { _, err := w.Age("new"); return err }, unix.ENOENT, "new"},
	} {
		t.Run(name, func(t *testing.T) {
			w, d := newWriter(t)
			d.write("there", "kept", 0o600)
			d.must(os.Mkdir(d.at("outside"), 0o755), os.Symlink("outside", d.at("link")))
			err := tc.make(w)
			var at *os.PathError
			if !errors.Is(err, tc.want) || tc.path != "" && (!errors.As(err, &at) || at.Path != tc.path) {
				t.Errorf("%v; want %v at %q", err, tc.want, tc.path)
			}
			if kept, err := os.ReadFile(d.at("there")); err != nil || string(kept) != "kept" {
				t.Errorf("what was there is %q, %v", kept, err)
			}
			if outside, err := os.ReadDir(d.at("outside")); err != nil || len(outside) > 0 {
				t.Errorf("beyond the link is %v, %v", outside, err)
			}
		})
	}
}
