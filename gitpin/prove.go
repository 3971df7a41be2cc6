package gitpin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// File is one file of the proven tree.
type File struct {
	Path   string // raw bytes, slash-separated
	Mode   object.Mode
	ID     object.ID
	SHA256 [sha256.Size]byte // of the blob's bytes; zero for a gitlink
	LFS    bool              // the blob is a Git LFS pointer, not the content

	stat fileStat // as it lies on disk, for Git's index
}

// maxPath is the longest path that Linux opens, in bytes, without its NUL.
const maxPath = 4095

// proof follows the chain from the pinned commit down to the last file. Every
// link is an object that was named by hashing its own bytes. It is a pack.Sink:
// while a pack streams by, blobs that the chain has already named go to disk at
// once. What came out of order is fetched from the kept pack by complete.
type proof struct {
	commit   object.ID
	maxFiles int
	place    *writer // nil if nothing is to be written

	info  *object.CommitInfo // once the commit came by
	trees map[object.ID][]object.Entry
	// contents are those of commit and trees; nil where files are written.
	contents map[object.ID][]byte
	folders  []folder             // once list is through
	dirs     map[object.ID]string // where trees are expected, by id; first place only

	mu    sync.Mutex
	blobs map[object.ID]pending // where blobs are expected, likewise
	done  map[string]File       // what is on disk, by path
	files int
}

type pending struct {
	path string
	mode object.Mode
}

// folder is one directory of the proven tree.
type folder struct {
	path    string
	tree    object.ID
	gitlink bool     // a submodule's, which stays empty; tree is zero
	names   []string // in it, sorted; nil where files are written
	files   []int    // in it, as they are numbered in the listing
}

func newProof(commit object.ID, maxFiles int, place *writer) *proof {
	p := &proof{
		commit: commit, maxFiles: maxFiles, place: place,
		trees: make(map[object.ID][]object.Entry), dirs: make(map[object.ID]string),
		blobs: make(map[object.ID]pending), done: make(map[string]File),
	}
	if place == nil {
		p.contents = make(map[object.ID][]byte)
	}
	return p
}

// Meta follows the chain as far as the stream has come.
func (p *proof) Meta(t object.Type, id object.ID, content []byte) error {
	switch {
	case id == p.commit:
		return p.setCommit(t, content)
	case t != object.Tree:
		return nil
	}
	dir, expected := p.dirs[id]
	if !expected || p.trees[id] != nil {
		return nil
	}
	entries, err := p.setTree(id, content)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.files += len(entries); p.files > p.maxFiles {
		return &pack.LimitError{What: "file", Limit: int64(p.maxFiles)}
	}
	for _, e := range entries {
		path := join(dir, e.Name)
		switch e.Mode {
		case object.ModeDir:
			if _, twice := p.dirs[e.ID]; !twice {
				p.dirs[e.ID] = path
			}
		case object.ModeGitlink:
		default:
			if _, twice := p.blobs[e.ID]; !twice {
				p.blobs[e.ID] = pending{path, e.Mode}
			}
		}
	}
	return nil
}

// Blob puts a blob on disk if the chain has named it.
func (p *proof) Blob(id object.ID, content []byte) error {
	p.mu.Lock()
	at, expected := p.blobs[id]
	delete(p.blobs, id) // a pack may hold an object twice
	p.mu.Unlock()
	if !expected || len(at.path) > maxPath {
		return nil
	}
	if p.place == nil { // a checker looks at every file in its own time
		return nil
	}
	f, err := p.place.small(at.path, at.mode, content)
	if err != nil {
		return err
	}
	f.ID = id
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[at.path] = f
	return nil
}

func (p *proof) setCommit(t object.Type, content []byte) error {
	if t != object.Commit {
		return &MismatchError{p.commit, "it names a " + t.String() + ", not a commit; pin the commit itself (git rev-parse 'TAG^{commit}')"}
	}
	info, err := object.ParseCommit(content)
	if err != nil {
		return &MismatchError{p.commit, err.Error()}
	}
	p.info = &info
	p.keep(p.commit, content)
	if _, twice := p.dirs[info.Tree]; !twice {
		p.dirs[info.Tree] = ""
	}
	return nil
}

func (p *proof) setTree(id object.ID, content []byte) ([]object.Entry, error) {
	entries, err := object.ParseTree(content)
	if err != nil {
		return nil, err
	}
	if entries == nil {
		entries = []object.Entry{}
	}
	p.trees[id] = entries
	p.keep(id, content)
	return entries, nil
}

func (p *proof) keep(id object.ID, content []byte) {
	if p.contents != nil {
		p.contents[id] = content
	}
}

// complete lists the tree and puts on disk what the stream left out.
func (p *proof) complete(ctx context.Context, a *pack.Archive) ([]File, error) {
	files, err := p.list(ctx, a)
	if err != nil {
		return nil, err
	}
	return files, p.placeRest(ctx, a, files)
}

// list follows the chain to its end, with the kept pack for what the stream did
// not give in order, and returns all files in the order of `git ls-tree -r`.
func (p *proof) list(ctx context.Context, a *pack.Archive) ([]File, error) {
	if p.info == nil {
		t, content, err := p.fetch(ctx, a, p.commit, 0, "commit")
		if err != nil {
			return nil, err
		}
		if err := p.setCommit(t, content); err != nil {
			return nil, err
		}
	}
	w := &walk{proof: p, archive: a}
	if err := w.tree(ctx, "", p.info.Tree); err != nil {
		return nil, err
	}
	return w.files, nil
}

// walk lists the tree, depth first.
type walk struct {
	*proof
	archive *pack.Archive
	files   []File
	seen    int // entries, directories included: a tree can name itself over and over
}

func (w *walk) tree(ctx context.Context, dir string, id object.ID) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	entries, known := w.trees[id]
	if !known {
		_, content, err := w.fetch(ctx, w.archive, id, object.Tree, "tree")
		if err != nil {
			return err
		}
		if entries, err = w.setTree(id, content); err != nil {
			return err
		}
	}
	if w.seen += len(entries); w.seen > w.maxFiles {
		return &pack.LimitError{What: "file", Limit: int64(w.maxFiles)}
	}
	here := len(w.folders)
	w.folders = append(w.folders, folder{path: dir, tree: id})
	if w.contents != nil {
		w.folders[here].names = sortedNames(entries)
	}
	for _, e := range entries {
		path := join(dir, e.Name)
		if len(path) > maxPath {
			return &object.TreeError{Name: e.Name, Reason: "lies deeper than the 4,095 bytes that a path can have"}
		}
		switch e.Mode {
		case object.ModeDir:
			if err := w.tree(ctx, path, e.ID); err != nil {
				return err
			}
			continue
		case object.ModeGitlink:
			w.folders = append(w.folders, folder{path: path, gitlink: true})
		}
		w.folders[here].files = append(w.folders[here].files, len(w.files))
		w.files = append(w.files, File{Path: path, Mode: e.Mode, ID: e.ID})
	}
	return nil
}

func sortedNames(entries []object.Entry) []string {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name
	}
	slices.Sort(names)
	return names
}

// fetch reads a commit or tree from the kept pack. Type 0 takes any.
func (p *proof) fetch(ctx context.Context, a *pack.Archive, id object.ID, want object.Type, need string) (object.Type, []byte, error) {
	e := a.Find(id)
	if e == nil {
		return 0, nil, &MissingObjectError{id, need}
	}
	t := e.Type // 0 if only an index vouches for it
	var content []byte
	var err error
	if t == 0 || want == 0 || t == want {
		t, content, err = a.Bytes(ctx, e)
	}
	if err == nil && want != 0 && t != want {
		err = &MismatchError{p.commit, fmt.Sprintf("its %s %s is a %s", need, id, t)}
	}
	return t, content, err
}

// placeRest puts on disk what the stream left out: blobs that came before their
// tree, large ones, deltas of the second pass, contents used at several paths.
func (p *proof) placeRest(ctx context.Context, a *pack.Archive, files []File) error {
	return parallel(ctx, len(files), func(ctx context.Context, i int) error {
		f := &files[i]
		if f.Mode == object.ModeGitlink {
			return p.place.gitlink(f.Path)
		}
		p.mu.Lock()
		placed, ok := p.done[f.Path]
		p.mu.Unlock()
		if ok && placed.ID == f.ID && placed.Mode == f.Mode {
			*f = placed
			return nil
		}
		e := a.Find(f.ID)
		if e == nil {
			return &MissingObjectError{f.ID, "file"}
		}
		if e.Type != object.Blob {
			return &MismatchError{p.commit, fmt.Sprintf("its file %.80q is a %s", f.Path, e.Type)}
		}
		got, err := p.place.stored(ctx, a, e, f.Path, f.Mode)
		if err != nil {
			return err
		}
		got.ID = f.ID
		*f = got
		return nil
	})
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// lfsPrefix begins every Git LFS pointer (git-lfs specification, version 1).
var lfsPrefix = []byte("version https://git-lfs.github.com/spec/v1\n")

func isLFS(head []byte) bool { return bytes.HasPrefix(head, lfsPrefix) }
