package proof

import (
	"context"
	"fmt"
	"slices"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// List follows the chain to its end. It reads from the kept pack what the stream did not
// bring in order. It writes nothing.
//
// Errors are *[MismatchError], *[MissingObjectError], *[object.TreeError],
// *[pack.LimitError], and those of [pack.Archive.Bytes].
func (p *Proof) List(ctx context.Context, a *pack.Archive) (*Tree, error) {
	if p.commit == nil {
		t, content, err := p.read(ctx, a, p.params.Commit, 0, "commit")
		if err != nil {
			return nil, err
		}
		if err := p.setCommit(t, content); err != nil {
			return nil, err
		}
	}
	l := &lister{
		proof: p, archive: a,
		tree: &Tree{Commit: p.params.Commit, Root: p.commit.Tree, Parents: p.commit.Parents, proof: p},
	}
	l.tree.Files = make([]File, 0, min(p.entries, p.params.MaxFiles))
	if err := l.list(ctx, "", l.tree.Root); err != nil {
		return nil, err
	}
	l.tree.Entries = p.trees[l.tree.Root].entries
	p.trees = nil // from here on the Tree has all that is needed of them
	l.tree.Faults, l.tree.Seen = p.faults, l.seen
	return l.tree, nil
}

// lister walks the tree, depth first.
type lister struct {
	proof   *Proof
	archive *pack.Archive
	tree    *Tree
	seen    int // entries with directories: one tree can be at very many paths
}

func (l *lister) list(ctx context.Context, dir string, id object.ID) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	l.proof.expect(id, func() string { return dir })
	n := l.proof.trees[id]
	if !n.known {
		_, content, err := l.proof.read(ctx, l.archive, id, object.Tree, "tree")
		if err != nil {
			return err
		}
		if err := l.proof.setTree(n, id, content); err != nil {
			return err
		}
	}
	if l.seen += len(n.entries); l.seen > l.proof.params.MaxFiles {
		return l.proof.tooMany()
	}
	here := len(l.tree.Folders)
	l.tree.Folders = append(l.tree.Folders, Folder{Path: dir, Tree: id})
	var names []string // that Git makes
	for i, e := range n.entries {
		path := join(dir, e.Name)
		if len(path) > MaxPath {
			return &object.TreeError{Name: e.Name, Reason: "has a path longer than 4,095 bytes"}
		}
		switch e.Mode {
		case object.ModeDir:
			before := len(l.tree.Files)
			below := len(l.tree.Folders)
			if err := l.list(ctx, path, e.ID); err != nil {
				return err
			}
			if len(l.tree.Files) == before {
				l.tree.Folders[below].Empty = true
				continue
			}
			names = append(names, e.Name)
			continue
		case object.ModeGitlink:
			l.tree.Folders = append(l.tree.Folders, Folder{Path: path, Gitlink: true})
		}
		names = append(names, e.Name)
		l.tree.Folders[here].Files = append(l.tree.Folders[here].Files, len(l.tree.Files))
		f := File{Path: path, Mode: e.Mode, ID: e.ID, Number: NotMade}
		if n.made != nil && n.made[i].is && n.path == dir {
			f.SHA256, f.LFS, f.Number = n.made[i].sum, n.made[i].lfs, n.made[i].number
		}
		l.tree.Files = append(l.tree.Files, f)
	}
	if l.proof.params.Files == nil {
		slices.Sort(names)
		l.tree.Folders[here].Names = names
	}
	return nil
}

// read reads a commit or a tree from the kept pack. It must be of the type want, unless that
// is 0. need says in an error what the object is needed as.
func (p *Proof) read(ctx context.Context, a *pack.Archive, id object.ID, want object.Type, need string) (object.Type, []byte, error) {
	e, there := a.Find(id)
	if !there {
		return 0, nil, &MissingObjectError{id, need}
	}
	t := e.Type // 0 if the entry is only a claim
	var content []byte
	var err error
	if t == 0 || want == 0 || t == want {
		t, content, err = a.Bytes(ctx, e)
	}
	if err == nil && want != 0 && t != want {
		err = &MismatchError{p.params.Commit, fmt.Sprintf("its %s %s is a %s", need, id, t)}
	}
	return t, content, err
}
