package workdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	gitconfig "github.com/go-git/go-git/v5/plumbing/format/config"
)

// Recognise reports whether WORK_DIR is a checkout of url that this launcher may prove or
// replace. Replacing anything else could lose somebody's files, so that is an
// *[OccupiedError]. The workload could write what Recognise reads, which decides nothing
// else.
func (d *Dir) Recognise(url string) (ours bool, err error) {
	marked := d.readWord(d.inControl(originName))
	names, err := d.contents()
	if errors.Is(err, fs.ErrPermission) && marked == url {
		return true, nil // the last run took the permissions away; it will be replaced
	}
	if err != nil || len(names) == 0 {
		return false, err
	}
	if marked == url {
		return true, nil
	}
	origin, isRepo := d.gitOrigin()
	switch {
	case origin == url:
		return true, nil
	case marked != "" || origin != "":
		return false, &OccupiedError{d.path, "is a checkout of a repository other than REPO_URL"}
	case isRepo:
		return false, &OccupiedError{d.path, "is a repository without the origin REPO_URL"}
	}
	if slices.Contains(names, "lost+found") {
		return false, &OccupiedError{d.path, "is the root of a file system: it has lost+found, which no checkout has; make WORK_DIR a directory below it"}
	}
	return false, &OccupiedError{d.path, "holds files but is not a checkout"}
}

// gitOrigin returns the origin of WORK_DIR's own .git, if there is one.
func (d *Dir) gitOrigin() (url string, isRepo bool) {
	info, err := d.root.Lstat(d.inTree(".git"))
	if err != nil || !info.IsDir() {
		return "", false
	}
	cfg := gitconfig.New()
	if err := gitconfig.NewDecoder(strings.NewReader(d.readWord(d.inTree(".git/config")))).Decode(cfg); err != nil {
		return "", true
	}
	return cfg.Section("remote").Subsection("origin").Option("url"), true
}

// UnusableError says why the objects of the existing checkout can't be used.
type UnusableError struct{ Reason string }

func (e *UnusableError) Error() string { return e.Reason }

// Kept is the pack of the existing checkout, and its index. Neither is believed.
type Kept struct {
	Pack  *os.File
	Index *os.File // nil if there is none

	name string // the pack's, below Dir.root
}

// Close closes both.
func (k *Kept) Close() {
	k.Pack.Close()
	if k.Index != nil {
		k.Index.Close()
	}
}

// OpenKept opens the pack of a Git directory of the checkout, which must have exactly one,
// as bytes to prove again. gitDir is .git or that of a submodule. It also opens the pack's
// index, if there is one, as a hint where to look. It reads nothing else there. Errors are
// *[UnusableError].
func (d *Dir) OpenKept(gitDir string) (*Kept, error) {
	packs := path.Join(gitDir, "objects/pack")
	for i := range len(packs) + 1 {
		if i < len(packs) && packs[i] != '/' {
			continue
		}
		if info, err := d.root.Lstat(d.inTree(packs[:i])); err != nil || !info.IsDir() {
			return nil, &UnusableError{packs[:i] + " is not a directory"}
		}
	}
	names, err := d.names(d.inTree(packs))
	if err != nil {
		return nil, &UnusableError{err.Error()}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".pack") })
	if len(names) != 1 {
		return nil, &UnusableError{fmt.Sprintf("there are %d packs", len(names))}
	}
	k := &Kept{name: d.inTree(path.Join(packs, names[0]))}
	if k.Pack, err = d.openOwn(k.name); err != nil {
		return nil, err
	}
	if k.Index, err = d.openOwn(strings.TrimSuffix(k.name, ".pack") + ".idx"); err != nil {
		k.Index = nil
	}
	return k, nil
}

// openOwn opens a regular file that has no other name.
func (d *Dir) openOwn(name string) (*os.File, error) {
	info, err := d.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || links(info) != 1 {
		return nil, &UnusableError{"the pack is not a file of its own"}
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, &UnusableError{err.Error()}
	}
	if opened, err := f.Stat(); err != nil || !os.SameFile(info, opened) {
		f.Close()
		return nil, &UnusableError{"the pack is not a file of its own"}
	}
	return f, nil
}

// owner returns the user id of a file's owner, or -1 if it is not known.
func owner(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return -1
}

// links returns how many names a file has, or 0 if that is not known.
func links(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 0
}
