package gitpin

import (
	"bytes"
	"context"
	"slices"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// closure is everything that the checkout's repository is to hold: the pinned
// commit with its tree, and with FETCH_DEPTH=full its ancestors with theirs and
// the annotated tags that point at one of them. Ancestors are proven by the chain
// of parents. A tag's name is not: whoever serves the repository chooses it.
type closure struct {
	ids  map[object.ID]bool
	tags map[string]string
}

// reach gathers the closure. files and p.trees are what the pin's tree holds.
func (p *proof) reach(ctx context.Context, a *pack.Archive, files []File, full bool) (*closure, error) {
	c := &closure{ids: map[object.ID]bool{p.commit: true}, tags: make(map[string]string)}
	for id := range p.trees {
		c.ids[id] = true
	}
	for _, f := range files {
		if f.Mode != object.ModeGitlink {
			c.ids[f.ID] = true
		}
	}
	if !full {
		return c, nil
	}
	queue := slices.Clone(p.info.Parents)
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if c.ids[id] {
			continue
		}
		_, content, err := p.fetch(ctx, a, id, object.Commit, "ancestor")
		if err != nil {
			return nil, err
		}
		info, err := object.ParseCommit(content)
		if err != nil {
			return nil, &MismatchError{p.commit, "its ancestor " + id.String() + " is malformed"}
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
func (c *closure) addTree(ctx context.Context, p *proof, a *pack.Archive, root object.ID) error {
	queue := []object.ID{root}
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if c.ids[id] {
			continue
		}
		_, content, err := p.fetch(ctx, a, id, object.Tree, "tree of history")
		if err != nil {
			return err
		}
		c.ids[id] = true
		var lost *MissingObjectError
		err = object.EachID(content, func(isDir, isGitlink bool, id object.ID) {
			switch {
			case isGitlink:
			case isDir:
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
func (c *closure) addTags(ctx context.Context, a *pack.Archive) error {
	for _, e := range a.Entries() {
		if e.Type != object.Tag {
			continue
		}
		_, content, err := a.Bytes(ctx, e)
		if err != nil {
			return err
		}
		tag, err := object.ParseTag(content)
		if err == nil && tag.Type == "commit" && c.ids[tag.Target] && tagName(tag.Name) && c.tags[tag.Name] == "" {
			c.ids[e.ID] = true
			c.tags[tag.Name] = e.ID.String()
		}
	}
	return nil
}

// sorted gives the ids in a fixed order.
func (c *closure) sorted() []object.ID {
	ids := make([]object.ID, 0, len(c.ids))
	for id := range c.ids {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(x, y object.ID) int { return bytes.Compare(x[:], y[:]) })
	return ids
}
