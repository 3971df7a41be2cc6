package proof

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// Params says what to prove and within which limits. All fields but Files are required.
type Params struct {
	Commit   object.ID
	MaxFiles int    // entries of the tree with directories
	MaxBytes int64  // of all files together; a content counts once for each path
	Files    Writer // nil to list the tree only
}

// Proof follows the chain from the pinned commit down to the last file. Every link is
// an object that was named by hashing its own bytes.
//
// It is a [pack.Sink]. While a pack streams by, it writes a blob at once if the chain has
// already named it. [Proof.Complete] writes the others from the kept pack afterwards.
type Proof struct {
	params Params
	left   atomic.Int64 // of MaxBytes

	commit  *object.CommitInfo  // nil until it was read
	trees   map[object.ID]*node // those that were named or read
	entries int                 // of all trees that streamed by
	faults  []string            // see Tree.Faults
	// contents has the contents of commit and trees; nil if files are written.
	contents map[object.ID][]byte

	mu    sync.Mutex
	blobs map[object.ID]place // the first place of each blob that is not written yet
}

// node is one tree of the chain.
type node struct {
	path    string // the first one that it was named at
	known   bool   // it was read
	entries []object.Entry
	made    []made // the files written below path, by entry; nil before the first
}

// made is a file that was written.
type made struct {
	sum    [sha256.Size]byte
	number int32
	is     bool // the file was written
	lfs    bool
}

// maxFaults is how many faults are kept: nobody reads a longer message.
const maxFaults = 3

// place is an entry of a tree, where a blob belongs.
type place struct {
	node  *node
	entry int
}

func (p place) mode() object.Mode { return p.node.entries[p.entry].Mode }
func (p place) path() string      { return join(p.node.path, p.node.entries[p.entry].Name) }

// New returns a new proof.
func New(params Params) *Proof {
	p := &Proof{params: params, trees: make(map[object.ID]*node), blobs: make(map[object.ID]place)}
	p.left.Store(params.MaxBytes)
	if params.Files == nil {
		p.contents = make(map[object.ID][]byte)
	}
	return p
}

// Meta implements [pack.Sink]. It follows the chain from a commit or a tree that the chain
// has named.
func (p *Proof) Meta(t object.Type, id object.ID, content []byte) error {
	switch {
	case id == p.params.Commit:
		return p.setCommit(t, content)
	case t != object.Tree:
		return nil
	}
	n := p.trees[id]
	if n == nil || n.known {
		return nil
	}
	if err := p.setTree(n, id, content); err != nil {
		return err
	}
	if p.entries += len(n.entries); p.entries > p.params.MaxFiles {
		return p.tooMany()
	}
	for _, e := range n.entries {
		if e.Mode == object.ModeDir {
			p.expect(e.ID, func() string { return join(n.path, e.Name) })
		}
	}
	if p.params.Files == nil { // no blob is written
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, e := range n.entries {
		if e.Mode == object.ModeDir || e.Mode == object.ModeGitlink {
			continue
		}
		if _, twice := p.blobs[e.ID]; !twice {
			p.blobs[e.ID] = place{n, i}
		}
	}
	return nil
}

// expect notes that the chain has named a tree, and its path unless it had one before.
func (p *Proof) expect(id object.ID, path func() string) {
	if p.trees[id] == nil {
		p.trees[id] = &node{path: path()}
	}
}

// Blob implements [pack.Sink]. It writes a blob if the chain has named it.
func (p *Proof) Blob(id object.ID, content []byte) error {
	at, expected := p.take(id, func(place) bool { return true })
	if !expected {
		return nil
	}
	f := File{Path: at.path(), Mode: at.mode(), ID: id}
	if len(f.Path) > MaxPath { // List refuses it
		return nil
	}
	if err := p.write(&f, content); err != nil {
		return err
	}
	p.note(at, &f)
	return nil
}

// take returns the place of a blob, if it has one that suits, and no longer expects the
// blob: a pack may have an object twice.
func (p *Proof) take(id object.ID, suits func(place) bool) (place, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, expected := p.blobs[id]
	if !expected || !suits(at) {
		return place{}, false
	}
	delete(p.blobs, id)
	return at, true
}

// note notes a file that was written.
func (p *Proof) note(at place, f *File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.node.made == nil {
		at.node.made = make([]made, len(at.node.entries))
	}
	at.node.made[at.entry] = made{f.SHA256, f.Number, true, f.LFS}
}

func (p *Proof) setCommit(t object.Type, content []byte) error {
	if t != object.Commit {
		return &MismatchError{p.params.Commit, "it names a " + t.String() + ", not a commit; pin the commit itself (git rev-parse 'TAG^{commit}')"}
	}
	info, err := object.ParseCommit(p.params.Commit.Format(), content)
	if err != nil {
		return &MismatchError{p.params.Commit, err.Error()}
	}
	p.commit = &info
	if fault := object.CheckCommit(content); fault != "" {
		p.faults = append(p.faults, "the commit: "+fault)
	}
	p.keep(p.params.Commit, content)
	p.expect(info.Tree, func() string { return "" })
	return nil
}

func (p *Proof) setTree(n *node, id object.ID, content []byte) (err error) {
	if n.entries, err = object.ParseTree(id.Format(), content); err != nil {
		return err
	}
	n.known = true
	if fault := object.CheckTree(id.Format(), content); fault != "" && len(p.faults) < maxFaults {
		p.faults = append(p.faults, "tree "+id.String()+": "+fault)
	}
	p.keep(id, content)
	return nil
}

func (p *Proof) keep(id object.ID, content []byte) {
	if p.contents != nil {
		p.contents[id] = content
	}
}

// Bytes returns how many bytes of files were written.
func (p *Proof) Bytes() int64 { return p.params.MaxBytes - p.left.Load() }

// charge counts bytes of files before they are written.
func (p *Proof) charge(n int64) error {
	if p.left.Add(-n) < 0 {
		return &pack.LimitError{What: "tree", Limit: p.params.MaxBytes}
	}
	return nil
}

func (p *Proof) tooMany() error {
	return &pack.LimitError{What: "file", Limit: int64(p.params.MaxFiles)}
}
