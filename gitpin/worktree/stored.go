package worktree

import (
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/stored"
	"gitlauncher/gitpin/proof"
)

// Stored is the stored pack of a proven tree: commit and trees, then each blob once, in the
// order of the files.
type Stored struct {
	Pack *stored.Pack

	meta [][]byte // contents of commit and trees
	at   []int    // each file's blob, by its number in Pack; -1 if an earlier file has the same
}

// NewStored returns the pack of a tree whose files have these sizes, without contents.
func NewStored(tree *proof.Tree, sizes []int64) *Stored {
	s := &Stored{Pack: stored.New(tree.Commit.Format()), at: make([]int, len(tree.Files))}
	add := func(t object.Type, id object.ID) {
		content := tree.Content(id)
		s.Pack.Add(t, id, int64(len(content)))
		s.meta = append(s.meta, content)
	}
	seen := make(map[object.ID]bool, len(tree.Files))
	add(object.Commit, tree.Commit)
	for _, d := range tree.Folders {
		if !d.Gitlink && !seen[d.Tree] {
			seen[d.Tree] = true
			add(object.Tree, d.Tree)
		}
	}
	for i := range tree.Files {
		s.at[i] = -1
		if id := tree.Files[i].ID; tree.Files[i].Mode != object.ModeGitlink && !seen[id] {
			seen[id] = true
			s.at[i] = s.Pack.Add(object.Blob, id, sizes[i])
		}
	}
	return s
}

// putMeta puts the contents of commit and trees.
func (s *Stored) putMeta() error {
	put := s.Pack.Putter()
	for i, content := range s.meta {
		if err := put.Put(i, content); err != nil {
			return err
		}
	}
	return nil
}
