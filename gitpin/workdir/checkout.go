package gitpin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	gitconfig "github.com/go-git/go-git/v5/plumbing/format/config"
)

// recognise decides whose WORK_DIR is. It returns whether there is a checkout to
// look at; an *OccupiedError if replacing it would lose something that is not
// ours. It reads words of the workload's, which decide nothing else.
func (w *workDir) recognise(url string) (ours bool, err error) {
	marked := w.readWord(w.inCtl(originName))
	names, err := w.contents()
	if errors.Is(err, fs.ErrPermission) && marked == url {
		return true, nil // the last run closed it; it will be replaced
	}
	if err != nil || len(names) == 0 {
		return false, err
	}
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

// store is the one pack of the checkout that is there, and its index.
type store struct {
	pack, index *os.File
	name        string // the pack's, below workDir.root
}

func (s *store) close() {
	s.pack.Close()
	if s.index != nil {
		s.index.Close()
	}
}

// openStore finds the one pack of the checkout and opens it as bytes to prove
// again, and its index, if there is one, as a hint where to look. Nothing else of
// .git is read.
func (w *workDir) openStore() (*store, error) {
	for _, dir := range []string{".git", ".git/objects", ".git/objects/pack"} {
		if info, err := w.root.Lstat(w.inTree(dir)); err != nil || !info.IsDir() {
			return nil, &errNoStore{dir + " is not a directory"}
		}
	}
	names, err := w.names(w.inTree(".git/objects/pack"))
	if err != nil {
		return nil, &errNoStore{err.Error()}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".pack") })
	if len(names) != 1 {
		return nil, &errNoStore{fmt.Sprintf("there are %d packs", len(names))}
	}
	s := &store{name: w.inTree(".git/objects/pack/" + names[0])}
	if s.pack, err = w.openOwn(s.name); err != nil {
		return nil, err
	}
	if s.index, err = w.openOwn(strings.TrimSuffix(s.name, ".pack") + ".idx"); err != nil {
		s.index = nil
	}
	return s, nil
}

// openOwn opens a regular file that has no other name.
func (w *workDir) openOwn(name string) (*os.File, error) {
	info, err := w.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || links(info) != 1 {
		return nil, &errNoStore{"the pack is not a file of its own"}
	}
	f, err := w.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, &errNoStore{err.Error()}
	}
	if opened, err := f.Stat(); err != nil || !os.SameFile(info, opened) {
		f.Close()
		return nil, &errNoStore{"the pack is not a file of its own"}
	}
	return f, nil
}

func links(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 0
}
