package gitpin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// staging is the checkout in the making, in the control directory.
type staging struct {
	root    *os.Root
	git     gitDir
	exclude string // for .git/info/exclude
}

// incoming is where the pack lies until it has its name.
const incoming = ".git/objects/pack/incoming"

// source is a pack in that file.
func (p *Params) source(st *staging, keep *os.File) pack.Source {
	return pack.Source{Keep: keep, NewHasher: p.Hasher, Spool: func() (*os.File, error) { return spool(st.root, ".git") }}
}

func (p *Params) limits() pack.Limits { return pack.Limits{Pack: p.MaxPackBytes, Tree: p.MaxTreeBytes} }

func (p *Params) writer(st *staging) *writer { return newWriter(st.root, p.MaxTreeBytes) }

// stage makes an empty staging directory; what an earlier try left goes.
func (p *Params) stage(w *workDir) (*staging, error) {
	if err := w.remove(w.inCtl(newName)); err != nil {
		return nil, err
	}
	if err := w.root.Mkdir(w.inCtl(newName), 0o755); err != nil {
		return nil, fmt.Errorf("making the staging directory: %w", err)
	}
	if err := w.root.Chmod(w.inCtl(newName), 0o755); err != nil {
		return nil, err
	}
	root, err := w.root.OpenRoot(w.inCtl(newName))
	if err != nil {
		return nil, err
	}
	st := &staging{root: root, git: gitDir{root, ".git"}}
	if w.inside {
		st.exclude = "/" + insideName + "/\n"
	}
	if err := st.git.make(); err != nil {
		root.Close()
		return nil, fmt.Errorf("making .git: %w", err)
	}
	return st, nil
}

func (st *staging) close() { st.root.Close() }

// store makes .git around the pack that lies at incoming. A pack that holds more
// than the closure is written anew without the rest.
func (st *staging) store(ctx context.Context, p *Params, a *pack.Archive, proof *proof, files []File) error {
	c, err := proof.reach(ctx, a, files, p.FullHistory)
	if err != nil {
		return err
	}
	if len(c.ids) != len(a.Entries()) {
		if a, err = st.repack(ctx, p, a, c); err != nil {
			return fmt.Errorf("writing a pack of the pin alone: %w", err)
		}
	}
	return st.seal(p, a, proof, files, c.tags)
}

// seal makes .git around the pack at incoming, which holds the closure and no more.
func (st *staging) seal(p *Params, a *pack.Archive, proof *proof, files []File, tags map[string]string) error {
	if st.exclude != "" {
		for _, e := range proof.trees[proof.info.Tree] {
			if e.Name == insideName {
				return &object.TreeError{Name: e.Name, Reason: "is where the launcher keeps its lock when WORK_DIR is a mount point"}
			}
		}
	}
	if err := st.root.Rename(incoming, path.Join(".git", packPath(a)+".pack")); err != nil {
		return err
	}
	h := history{shallow: !p.FullHistory && len(proof.info.Parents) > 0, tags: tags}
	return st.git.write(p, a, files, h, st.exclude)
}

// repack leaves behind what the pin does not need.
func (st *staging) repack(ctx context.Context, p *Params, a *pack.Archive, c *closure) (*pack.Archive, error) {
	const packed = ".git/objects/pack/packed"
	f, err := st.root.OpenFile(packed, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := pack.Write(ctx, f, a, c.sorted()); err != nil {
		return nil, err
	}
	again := newProof(p.Commit, p.MaxFiles, nil) // only the names are wanted
	a, err = pack.Read(ctx, p.source(st, f), p.limits(), again)
	if err != nil {
		return nil, err
	}
	return a, st.root.Rename(packed, incoming)
}

// share gives the staging directory the pack of the checkout that is there: the
// same file where the file system can, a copy where not. The one in place stays,
// so that a kill before the swap loses nothing.
func (w *workDir) share(s *store, st *staging, to string) error {
	target := w.inCtl(path.Join(newName, to))
	if err := w.root.Link(s.name, target); err == nil {
		mine, err1 := s.pack.Stat()
		there, err2 := w.root.Lstat(target)
		if err1 != nil || err2 != nil || !os.SameFile(mine, there) {
			return &errNoStore{"the pack changed while it was in use"}
		}
		return w.root.Chmod(target, 0o444)
	}
	f, err := st.root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	if _, err = s.pack.Seek(0, io.SeekStart); err == nil {
		_, err = io.Copy(f, s.pack)
	}
	return errors.Join(err, f.Close())
}
