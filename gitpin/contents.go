package gitpin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/gitdir"
	"gitlauncher/gitpin/lfs"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/gitpin/submodule"
	"gitlauncher/gitpin/workdir"
	"gitlauncher/gitpin/worktree"
	"gitlauncher/internal/bounded"
)

// contents replaces each Git LFS pointer of a part with the content that it names. It does so
// in the draft, and returns the size of the contents in bytes. A content that WORK_DIR has is
// copied, and others are fetched if the network may be used. It fails if one can't be placed,
// so that no launch has a pointer left.
func (p *Params) contents(ctx context.Context, dir *workdir.Dir, m *materialised, network bool) (int64, error) {
	draft, err := dir.OpenDraft()
	if err != nil {
		return 0, err
	}
	defer draft.Close()
	at := p.part.path
	if at == "" {
		at = "."
	}
	root, err := draft.Root.OpenRoot(at)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	c := &contents{params: p, made: m, root: root, files: make(map[lfs.Pointer][]int), writer: worktree.NewWriter(root)}
	defer c.writer.Close()
	if err := c.find(); err != nil || len(c.wanted) == 0 {
		return 0, err
	}
	c.copy(ctx, dir)
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case len(c.wanted) > 0 && !network:
		return 0, fmt.Errorf("%w: the Git LFS object %s is not there", worktree.ErrChanged, c.wanted[0].OID())
	case len(c.wanted) > 0:
		if err := c.fetch(ctx); err != nil {
			return 0, err
		}
	}
	git := gitdir.Place{Root: draft.Root, Dir: p.part.git}
	return c.bytes, git.Reindex(m.tree, m.stats)
}

// contents places the Git LFS contents of one tree.
type contents struct {
	params *Params
	made   *materialised
	root   *os.Root
	writer *worktree.Writer

	wanted []lfs.Pointer         // in the order of the files
	files  map[lfs.Pointer][]int // the files that should have each content
	bytes  int64                 // of all these files

	mu sync.Mutex // for made
}

// copy places the contents that the files of WORK_DIR have. The last run could change these,
// so each is hashed while it is copied.
func (c *contents) copy(ctx context.Context, dir *workdir.Dir) {
	old, err := dir.OpenTree(c.params.part.path)
	if err != nil {
		return // there is none yet
	}
	defer old.Close()
	c.wanted = slices.DeleteFunc(c.wanted, func(p lfs.Pointer) bool {
		return slices.ContainsFunc(c.files[p], func(i int) bool {
			return ctx.Err() == nil && c.copyFrom(ctx, old, c.made.tree.Files[i].Path, p)
		})
	})
}

// copyFrom reports whether a file has the content, which is placed then.
func (c *contents) copyFrom(ctx context.Context, old *os.Root, path string, p lfs.Pointer) bool {
	in, err := old.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // do not wait for a pipe
	if err != nil {
		return false
	}
	defer in.Close()
	info, err := in.Stat()
	return err == nil && info.Mode().IsRegular() && info.Size() == p.Size && c.store(p, p.Verify(bounded.Reader(ctx, in))) == nil
}

// fetch places the contents that are left.
func (c *contents) fetch(ctx context.Context) error {
	server, err := c.server()
	if err != nil {
		return err
	}
	var bytes int64
	for _, p := range c.wanted {
		bytes += p.Size
	}
	c.params.Log.Info("fetching Git LFS contents", "step", "fetch", "objects", len(c.wanted), "bytes", bytes)
	return fetch.Objects(ctx, c.params.fetching(), server, c.wanted, c.store)
}

// find reads the pointers, and checks the sizes that they announce against the limits.
func (c *contents) find() error {
	left := c.params.MaxTreeBytes - c.made.proof.Bytes()
	for i := range c.made.tree.Files {
		f := &c.made.tree.Files[i]
		if !f.LFS {
			continue
		}
		pointer, is, err := c.pointer(i)
		switch {
		case err != nil:
			return err
		case !is:
			f.LFS = false // it only begins like a pointer
			continue
		case pointer.Size > left:
			return &pack.LimitError{What: "tree", Limit: c.params.MaxTreeBytes}
		}
		left -= pointer.Size
		c.bytes += pointer.Size
		if c.files[pointer] == nil {
			c.wanted = append(c.wanted, pointer)
		}
		c.files[pointer] = append(c.files[pointer], i)
	}
	return nil
}

// pointer reads the pointer in a file, and proves it again. is is false for a file that only
// begins like a pointer.
func (c *contents) pointer(i int) (p lfs.Pointer, is bool, err error) {
	f := &c.made.tree.Files[i]
	info, err := c.root.Lstat(f.Path)
	if err != nil || info.Size() >= lfs.MaxPointer {
		return p, false, err
	}
	text, err := c.params.reread(c.root, f)
	if err != nil {
		return p, false, err
	}
	if p, is, err = lfs.Parse(text); err != nil {
		err = &object.TreeError{Name: f.Path, Reason: err.Error()}
	}
	return p, is, err
}

// server returns the address of the Git LFS server that the tree names in .lfsconfig, or nil
// for the repository's own server.
func (c *contents) server() (*url.URL, error) {
	const name = ".lfsconfig"
	for i := range c.made.tree.Files {
		f := &c.made.tree.Files[i]
		if f.Path != name || f.Mode == object.ModeSymlink || f.Mode == object.ModeGitlink {
			continue
		}
		text, err := c.params.reread(c.root, f)
		if err != nil {
			return nil, err
		}
		found, err := submodule.Values(text, "lfs.url")
		if err != nil {
			return nil, &object.TreeError{Name: name, Reason: err.Error()}
		}
		if len(found) == 0 {
			return nil, nil
		}
		address, err := config.ParseRepoURL(found[len(found)-1]) // as git, which takes the last
		switch {
		case err != nil:
			return nil, &object.TreeError{Name: name, Reason: "has an lfs.url that " + err.Error()}
		case address.Scheme != config.HTTPS && address.Scheme != config.HTTP:
			return nil, &object.TreeError{Name: name, Reason: "has an lfs.url that is neither https:// nor http://"}
		}
		at, err := url.Parse(address.String())
		if err == nil {
			at.User = nil
		}
		return at, err
	}
	return nil, nil
}

// store puts a content into every file that should have it.
func (c *contents) store(p lfs.Pointer, content io.Reader) error {
	files := c.files[p]
	first := c.made.tree.Files[files[0]].Path
	if err := c.write(p, files[0], content); err != nil {
		return err
	}
	for _, i := range files[1:] {
		from, err := c.root.Open(first)
		if err != nil {
			return err
		}
		err = c.write(p, i, p.Verify(from))
		from.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// write replaces one file with a content. The file is a pointer, or what an earlier try left.
func (c *contents) write(p lfs.Pointer, i int, content io.Reader) error {
	f := &c.made.tree.Files[i]
	if err := c.root.Remove(f.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := c.writer.Stream(f.Path, f.Mode, func(out io.Writer) error {
		_, err := io.Copy(out, content)
		return err
	}); err != nil {
		return fmt.Errorf("the Git LFS object %s: %w", p.OID(), err)
	}
	stat, err := c.writer.Age(f.Path)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made.stats[i] = stat
	f.SHA256, f.LFS, f.Placed, f.Size = p.SHA256, false, true, p.Size
	return nil
}
