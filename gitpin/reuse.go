package gitpin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	gitconfig "github.com/go-git/go-git/v5/plumbing/format/config"
	"golang.org/x/sys/unix"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// recognise decides whose WORK_DIR is. It returns whether there is a checkout to
// look at; an *OccupiedError if replacing it would lose something that is not
// ours. It reads words of the workload's, which decide nothing else.
func (w *workDir) recognise(url string) (ours bool, err error) {
	names, err := w.contents()
	if err != nil || len(names) == 0 {
		return false, err
	}
	marked := w.readWord(w.inCtl(originName))
	if marked == url {
		return true, nil
	}
	origin, isRepo := w.gitOrigin()
	switch {
	case origin == url:
		return true, nil
	case marked != "" || origin != "":
		return false, &OccupiedError{w.path, "is a checkout of another repository than REPO_URL"}
	case isRepo:
		return false, &OccupiedError{w.path, "is a repository without the origin REPO_URL"}
	}
	return false, &OccupiedError{w.path, "holds files but is no checkout"}
}

const maxWord = 64 << 10 // bytes of a file that is read to recognise a checkout

// readWord reads a small regular file; anything else reads as nothing.
func (w *workDir) readWord(name string) string {
	info, err := w.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxWord {
		return ""
	}
	data, err := w.root.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(data)
}

// gitOrigin reads the origin of whatever .git there is.
func (w *workDir) gitOrigin() (url string, isRepo bool) {
	info, err := w.root.Lstat(w.inTree(".git"))
	if err != nil || !info.IsDir() {
		return "", false
	}
	cfg := gitconfig.New()
	if err := gitconfig.NewDecoder(strings.NewReader(w.readWord(w.inTree(".git/config")))).Decode(cfg); err != nil {
		return "", true
	}
	return cfg.Section("remote").Subsection("origin").Option("url"), true
}

// errNoStore says that the checkout's objects can't be used; the text says why.
type errNoStore struct{ reason string }

func (e *errNoStore) Error() string { return e.reason }

// openStore finds the one pack of the checkout and opens it as bytes to hash
// again. Nothing else of .git is read.
func (w *workDir) openStore() (*os.File, string, error) {
	for _, dir := range []string{".git", ".git/objects", ".git/objects/pack"} {
		if info, err := w.root.Lstat(w.inTree(dir)); err != nil || !info.IsDir() {
			return nil, "", &errNoStore{dir + " is not a directory"}
		}
	}
	names, err := w.names(w.inTree(".git/objects/pack"))
	if err != nil {
		return nil, "", &errNoStore{err.Error()}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".pack") })
	if len(names) != 1 {
		return nil, "", &errNoStore{fmt.Sprintf("there are %d packs", len(names))}
	}
	name := w.inTree(".git/objects/pack/" + names[0])
	info, err := w.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || links(info) != 1 {
		return nil, "", &errNoStore{"the pack is not a file of its own"}
	}
	f, err := w.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, "", &errNoStore{err.Error()}
	}
	if opened, err := f.Stat(); err != nil || !os.SameFile(info, opened) {
		f.Close()
		return nil, "", &errNoStore{"the pack is not a file of its own"}
	}
	return f, name, nil
}

func links(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 0
}

// checker is the placer that compares: what is in WORK_DIR must be the proven
// tree already. Everything it can't vouch for is errWorktree.
type checker struct {
	root      *os.Root // WORK_DIR
	inside    bool     // the control directory lies in it
	newHasher func() *object.Hasher
	now       time.Time
	uid       uint32
}

func (c *checker) wrong(path, why string) error {
	return fmt.Errorf("%w: %.200q %s", errWorktree, path, why)
}

// layout demands that WORK_DIR holds the proven directories and names, and
// nothing else. After it no directory on a proven path is a symbolic link.
func (c *checker) layout(files []File) error {
	want := map[string]map[string]fs.FileMode{"": {".git": fs.ModeDir}}
	if c.inside {
		want[""][insideName] = fs.ModeDir
	}
	expect := func(p string, typ fs.FileMode) {
		for {
			dir, name := path.Split(p)
			dir = strings.TrimSuffix(dir, "/")
			names, known := want[dir]
			if !known {
				names = make(map[string]fs.FileMode)
				want[dir] = names
			}
			names[name] = typ
			if known || dir == "" {
				return
			}
			p, typ = dir, fs.ModeDir
		}
	}
	for _, f := range files {
		switch f.Mode {
		case object.ModeGitlink:
			expect(f.Path, fs.ModeDir)
			want[f.Path] = make(map[string]fs.FileMode)
		case object.ModeSymlink:
			expect(f.Path, fs.ModeSymlink)
		default:
			expect(f.Path, 0)
		}
	}
	return c.directory("", want)
}

func (c *checker) directory(dir string, want map[string]map[string]fs.FileMode) error {
	at := path.Join(".", dir)
	info, err := c.root.Lstat(at)
	if err != nil || !info.IsDir() {
		return c.wrong(dir, "is not a directory")
	}
	if !(dir == "" && c.inside) { // a mount point's mode is the mounter's
		if err := c.owned(dir, info, 0o755); err != nil {
			return err
		}
	}
	f, err := c.root.Open(at)
	if err != nil {
		return err
	}
	defer f.Close()
	if c.hasAttributes(f) {
		return c.wrong(dir, "has access rules of its own")
	}
	entries, err := f.ReadDir(-1)
	if err != nil {
		return err
	}
	names := want[dir]
	if len(entries) != len(names) {
		return c.wrong(dir, "holds more or less than it should")
	}
	for _, e := range entries {
		typ, expected := names[e.Name()]
		if !expected || e.Type() != typ {
			return c.wrong(path.Join(dir, e.Name()), "does not belong there")
		}
		if typ == fs.ModeDir && !(dir == "" && (e.Name() == ".git" || c.inside && e.Name() == insideName)) {
			if err := c.directory(path.Join(dir, e.Name()), want); err != nil {
				return err
			}
		}
	}
	return nil
}

// owned demands mode and owner; setuid and the like are part of the mode.
func (c *checker) owned(p string, info fs.FileInfo, perm fs.FileMode) error {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok || s.Uid != c.uid || info.Mode()&^fs.ModeDir != perm {
		return c.wrong(p, "has another mode or owner")
	}
	return nil
}

// hasAttributes reports extended attributes that grant rights.
func (c *checker) hasAttributes(f *os.File) bool {
	buf := make([]byte, 4096)
	n, err := unix.Flistxattr(int(f.Fd()), buf)
	if errors.Is(err, unix.ENOTSUP) {
		return false
	}
	if err != nil {
		return true
	}
	for name := range bytes.SplitSeq(buf[:n], []byte{0}) {
		if string(name) == "security.capability" || bytes.HasPrefix(name, []byte("system.posix_acl_")) {
			return true
		}
	}
	return false
}

func (c *checker) stored(_ context.Context, _ *pack.Archive, e *pack.Entry, p string, mode object.Mode) (File, error) {
	info, err := c.root.Lstat(p)
	if err != nil {
		return File{}, c.wrong(p, "is missing")
	}
	if mode == object.ModeSymlink {
		return c.link(e, p, info)
	}
	perm := fs.FileMode(0o644)
	if mode == object.ModeExec {
		perm = 0o755
	}
	if !info.Mode().IsRegular() || links(info) != 1 {
		return File{}, c.wrong(p, "is not a file of its own")
	}
	if err := c.owned(p, info, perm); err != nil {
		return File{}, err
	}
	in, err := c.root.OpenFile(p, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	if opened, err := in.Stat(); err != nil || !os.SameFile(info, opened) || c.hasAttributes(in) {
		return File{}, c.wrong(p, "is not a plain file")
	}
	f := File{Path: p, Mode: mode}
	hasher, sum, head := c.newHasher(), sha256.New(), &header{}
	hasher.Begin(object.Blob, info.Size())
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(hasher, sum, head)}, struct{ io.Reader }{in}, make([]byte, min(max(info.Size()+1, 512), 128<<10)))
	if err != nil {
		return File{}, err
	}
	if id, err := hasher.ID(); err != nil || id != e.ID || n != info.Size() {
		return File{}, c.wrong(p, "has other content")
	}
	f.SHA256, f.LFS = [sha256.Size]byte(sum.Sum(nil)), isLFS(head.b)
	// A time that the last run chose could steer a build; all files get this
	// launch's, as after a fresh checkout.
	if err := c.root.Chtimes(p, c.now, c.now); err != nil {
		return File{}, err
	}
	if info, err = in.Stat(); err != nil {
		return File{}, err
	}
	f.stat = statOf(info)
	return f, nil
}

func (c *checker) link(e *pack.Entry, p string, info fs.FileInfo) (File, error) {
	if info.Mode()&fs.ModeSymlink == 0 {
		return File{}, c.wrong(p, "is not a symbolic link")
	}
	target, err := c.root.Readlink(p)
	if err != nil {
		return File{}, err
	}
	if id, err := c.newHasher().Sum(object.Blob, []byte(target)); err != nil || id != e.ID {
		return File{}, c.wrong(p, "leads elsewhere")
	}
	return File{Path: p, Mode: object.ModeSymlink, SHA256: sha256.Sum256([]byte(target)), stat: statOf(info)}, nil
}

func (c *checker) gitlink(string) error { return nil } // layout saw the directory
