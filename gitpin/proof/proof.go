package proof

import (
	"sync"
	"sync/atomic"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// Params is what to prove and under which bounds. All fields but Files are required.
type Params struct {
	Commit   object.ID
	MaxFiles int    // entries of the tree, directories included
	MaxBytes int64  // of all files together, each path counted
	Files    Writer // nil if the tree is only to be listed
}

// Proof follows the chain from the pinned commit down to the last file. Every link is
// an object that was named by hashing its own bytes.
//
// It is a [pack.Sink]: while a pack streams by, blobs that the chain has already named
// are written at once. What came in another order is taken from the kept pack
// afterwards, by [Proof.Complete].
type Proof struct {
	params Params
	left   atomic.Int64 // of MaxBytes

	commit *object.CommitInfo // once it came by
	trees  map[object.ID][]object.Entry
	// contents are those of commit and trees; nil where files are written.
	contents map[object.ID][]byte
	dirs     map[object.ID]string // where trees are expected, by id; first place only
	entries  int                  // of all trees that came by
	faults   []string             // see Tree.Faults

	mu      sync.Mutex
	blobs   map[object.ID]place // where blobs are expected, likewise
	written map[string]File     // by path
}

// maxFaults is how many are kept: a message of this length is read, one longer is not.
const maxFaults = 3

// place is where a blob belongs.
type place struct {
	path string
	mode object.Mode
}

// New begins a proof.
func New(params Params) *Proof {
	p := &Proof{
		params: params,
		trees:  make(map[object.ID][]object.Entry), dirs: make(map[object.ID]string),
		blobs: make(map[object.ID]place), written: make(map[string]File),
	}
	p.left.Store(params.MaxBytes)
	if params.Files == nil {
		p.contents = make(map[object.ID][]byte)
	}
	return p
}

// Meta follows the chain as far as the stream has come.
func (p *Proof) Meta(t object.Type, id object.ID, content []byte) error {
	switch {
	case id == p.params.Commit:
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
	if p.entries += len(entries); p.entries > p.params.MaxFiles {
		return p.tooMany()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
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
				p.blobs[e.ID] = place{path, e.Mode}
			}
		}
	}
	return nil
}

// Blob writes a blob if the chain has named it.
func (p *Proof) Blob(id object.ID, content []byte) error {
	p.mu.Lock()
	at, expected := p.blobs[id]
	delete(p.blobs, id) // a pack may hold an object twice
	p.mu.Unlock()
	if !expected || len(at.path) > MaxPath || p.params.Files == nil { // List refuses the path
		return nil
	}
	f := File{Path: at.path, Mode: at.mode, ID: id}
	if err := p.write(&f, content); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written[at.path] = f
	return nil
}

func (p *Proof) setCommit(t object.Type, content []byte) error {
	if t != object.Commit {
		return &MismatchError{p.params.Commit, "it names a " + t.String() + ", not a commit; pin the commit itself (git rev-parse 'TAG^{commit}')"}
	}
	info, err := object.ParseCommit(content)
	if err != nil {
		return &MismatchError{p.params.Commit, err.Error()}
	}
	p.commit = &info
	if fault := object.CheckCommit(content); fault != "" {
		p.faults = append(p.faults, "the commit: "+fault)
	}
	p.keep(p.params.Commit, content)
	if _, twice := p.dirs[info.Tree]; !twice {
		p.dirs[info.Tree] = ""
	}
	return nil
}

func (p *Proof) setTree(id object.ID, content []byte) ([]object.Entry, error) {
	entries, err := object.ParseTree(content)
	if err != nil {
		return nil, err
	}
	p.trees[id] = entries
	if fault := object.CheckTree(content); fault != "" && len(p.faults) < maxFaults {
		p.faults = append(p.faults, "tree "+id.String()+": "+fault)
	}
	p.keep(id, content)
	return entries, nil
}

func (p *Proof) keep(id object.ID, content []byte) {
	if p.contents != nil {
		p.contents[id] = content
	}
}

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
