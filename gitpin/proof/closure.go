package proof

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// Closure is everything that the checkout's repository is to hold: the pinned commit
// with its tree, and with history its ancestors with theirs and the annotated tags that
// point at one of them. Ancestors are proven by the chain of parents. A tag's name is
// not: whoever serves the repository chooses it.
type Closure struct {
	Tags map[string]object.ID // names to tag objects

	ids map[object.ID]bool
}

// Len is how many objects there are.
func (c *Closure) Len() int { return len(c.ids) }

// IDs are those of all objects, sorted.
func (c *Closure) IDs() []object.ID {
	return slices.SortedFunc(maps.Keys(c.ids), func(x, y object.ID) int { return bytes.Compare(x[:], y[:]) })
}

// Closure gathers what belongs to a listed tree; with history, the ancestors, too.
func (p *Proof) Closure(ctx context.Context, a *pack.Archive, tree *Tree, history bool) (*Closure, error) {
	c := &Closure{ids: map[object.ID]bool{tree.Commit: true}, Tags: make(map[string]object.ID)}
	for id := range p.trees {
		c.ids[id] = true
	}
	for _, f := range tree.Files {
		if f.Mode != object.ModeGitlink {
			c.ids[f.ID] = true
		}
	}
	if !history {
		return c, nil
	}
	queue := slices.Clone(tree.Parents)
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if c.ids[id] {
			continue
		}
		_, content, err := p.read(ctx, a, id, object.Commit, "ancestor")
		if err != nil {
			return nil, err
		}
		info, err := object.ParseCommit(content)
		if err != nil {
			return nil, &MismatchError{tree.Commit, "its ancestor " + id.String() + " is malformed"}
		}
		c.ids[id] = true
		queue = append(queue, info.Parents...)
		if err := c.addTree(ctx, p, a, info.Tree); err != nil {
			return nil, err
		}
	}
	return c, c.addTags(ctx, a)
}

// addTree adds a tree of history and all below it.
func (c *Closure) addTree(ctx context.Context, p *Proof, a *pack.Archive, root object.ID) error {
	queue := []object.ID{root}
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if c.ids[id] {
			continue
		}
		_, content, err := p.read(ctx, a, id, object.Tree, "tree of history")
		if err != nil {
			return err
		}
		c.ids[id] = true
		var lost *MissingObjectError
		err = object.EachID(content, func(mode object.Mode, id object.ID) {
			switch {
			case mode == object.ModeGitlink:
			case mode == object.ModeDir:
				queue = append(queue, id)
			case a.Find(id) == nil:
				lost = &MissingObjectError{id, "file of history"}
			default:
				c.ids[id] = true
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

// addTags adds the annotated tags of commits in the closure.
func (c *Closure) addTags(ctx context.Context, a *pack.Archive) error {
	for _, e := range a.Entries() {
		if e.Type != object.Tag {
			continue
		}
		_, content, err := a.Bytes(ctx, e)
		if err != nil {
			return err
		}
		tag, err := object.ParseTag(content)
		if _, twice := c.Tags[tag.Name]; err == nil && !twice && tag.Type == "commit" && c.ids[tag.Target] && isTagName(tag.Name) {
			c.ids[e.ID] = true
			c.Tags[tag.Name] = e.ID
		}
	}
	return nil
}

// isTagName accepts a tag's name as a file below refs/tags: the harmless part of
// what git-check-ref-format(1) allows.
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
