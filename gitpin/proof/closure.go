package proof

import (
	"context"
	"path"
	"slices"
	"strings"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// Closure has everything that the checkout's repository should have: the pinned commit with
// its tree. With history, it also has the commit's ancestors with their trees, and the
// annotated tags that point to one of the commits. The chain of parents proves ancestors.
// It does not prove a tag's name, which the server chooses.
type Closure struct {
	Tags map[string]object.ID // tag objects, by the names of the tags

	archive *pack.Archive
	in      []bool // by the archive's numbers
	n       int
}

// Len returns the number of objects.
func (c *Closure) Len() int { return c.n }

// IDs returns the ids of all objects, sorted.
func (c *Closure) IDs() []object.ID {
	ids := make([]object.ID, 0, c.n)
	for i, e := range c.archive.All() {
		if c.in[i] {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// add adds an object of the archive, and reports whether it is new. need says in an error
// what the object is needed as.
func (c *Closure) add(id object.ID, need string) (isNew bool, err error) {
	i := c.archive.Number(id)
	if i < 0 {
		return false, &MissingObjectError{id, need}
	}
	if c.in[i] {
		return false, nil
	}
	c.in[i] = true
	c.n++
	return true, nil
}

func (c *Closure) has(id object.ID) bool {
	i := c.archive.Number(id)
	return i >= 0 && c.in[i]
}

// Closure returns the closure of a listed tree, with history or without.
func (p *Proof) Closure(ctx context.Context, a *pack.Archive, tree *Tree, history bool) (*Closure, error) {
	c := &Closure{Tags: make(map[string]object.ID), archive: a, in: make([]bool, a.Len())}
	if _, err := c.add(tree.Commit, "commit"); err != nil {
		return nil, err
	}
	for _, f := range tree.Folders {
		if f.Gitlink {
			continue
		}
		if _, err := c.add(f.Tree, "tree"); err != nil {
			return nil, err
		}
	}
	for _, f := range tree.Files {
		if f.Mode == object.ModeGitlink {
			continue
		}
		if _, err := c.add(f.ID, "file"); err != nil {
			return nil, err
		}
	}
	if !history {
		return c, nil
	}
	if err := c.addAncestors(ctx, p, tree); err != nil {
		return nil, err
	}
	return c, c.addTags(ctx, p.params.MaxFiles)
}

// addAncestors adds the ancestors of the pinned commit, with their trees.
func (c *Closure) addAncestors(ctx context.Context, p *Proof, tree *Tree) error {
	queue := slices.Clone(tree.Parents)
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if isNew, err := c.add(id, "ancestor"); err != nil {
			return err
		} else if !isNew {
			continue
		}
		_, content, err := p.read(ctx, c.archive, id, object.Commit, "ancestor")
		if err != nil {
			return err
		}
		info, err := object.ParseCommit(id.Format(), content)
		if err != nil {
			return &MismatchError{tree.Commit, "its ancestor " + id.String() + " is malformed"}
		}
		queue = append(queue, info.Parents...)
		if err := c.addTree(ctx, p, info.Tree); err != nil {
			return err
		}
	}
	return nil
}

// addTree adds a tree of history and everything below it.
func (c *Closure) addTree(ctx context.Context, p *Proof, root object.ID) error {
	queue := []object.ID{root}
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if isNew, err := c.add(id, "tree of history"); err != nil {
			return err
		} else if !isNew {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		_, content, err := p.read(ctx, c.archive, id, object.Tree, "tree of history")
		if err != nil {
			return err
		}
		var lost error
		err = object.EachID(root.Format(), content, func(mode object.Mode, id object.ID) {
			switch mode {
			case object.ModeGitlink:
			case object.ModeDir:
				queue = append(queue, id)
			default:
				if _, err := c.add(id, "file of history"); err != nil {
					lost = err
				}
			}
		})
		if err != nil {
			return err
		}
		if lost != nil {
			return lost
		}
	}
	return nil
}

// addTags adds the annotated tags of commits in the closure. Each becomes a file, so there
// may be as many as there may be files. Two tags clash if they have the same name, or if
// one's name is a directory of the other's. No Git server has both as references, but tag
// objects can say anything. Of tags that clash, addTags takes the one with the lowest id.
func (c *Closure) addTags(ctx context.Context, most int) error {
	above := make(map[string]bool) // the directories of the names that are taken
	for _, e := range c.archive.All() {
		if e.Type != object.Tag {
			continue
		}
		_, content, err := c.archive.Bytes(ctx, e)
		if err != nil {
			return err
		}
		tag, err := object.ParseTag(e.ID.Format(), content)
		if err != nil || tag.Type != "commit" || !c.has(tag.Target) || !isTagName(tag.Name) || c.taken(tag.Name, above) {
			continue
		}
		if _, err := c.add(e.ID, "tag"); err != nil {
			return err
		}
		c.Tags[tag.Name] = e.ID
		for dir := path.Dir(tag.Name); dir != "."; dir = path.Dir(dir) {
			above[dir] = true
		}
		if len(c.Tags) > most {
			return &pack.LimitError{What: "tag", Limit: int64(most)}
		}
	}
	return nil
}

// taken reports whether a tag's name clashes with one that was added.
func (c *Closure) taken(name string, above map[string]bool) bool {
	if above[name] {
		return true
	}
	for ; name != "."; name = path.Dir(name) {
		if _, there := c.Tags[name]; there {
			return true
		}
	}
	return false
}

// isTagName reports whether a tag's name may be a file below refs/tags. It allows the
// harmless part of what git-check-ref-format(1) allows.
func isTagName(name string) bool {
	if name == "" || len(name) > 200 || strings.Contains(name, "..") || strings.HasSuffix(name, ".lock") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasPrefix(part, "-") || strings.HasSuffix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/") == ""
}
