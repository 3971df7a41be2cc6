package gitpin

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/gitdir"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// Resolve asks the repository for the commit of a branch or a tag; see [fetch.Resolve]. In
// a bundle it follows an annotated tag through its objects. Params need neither Commit nor
// WorkDir. Errors are *[RefError] and those of [Pin].
func Resolve(ctx context.Context, p Params, name string) (Ref, error) {
	ref, err := fetch.Resolve(ctx, p.fetching(), name)
	if err == nil && ref.Unpeeled {
		err = p.peel(ctx, &ref)
	}
	return ref, p.fetchFault(err)
}

// maxTags is how many tags may lead to each other. Even two are rare.
const maxTags = 16

// peel follows a tag's object, and the tags that it leads to, to an object that is not a
// tag.
func (p Params) peel(ctx context.Context, ref *Ref) error {
	dir, err := os.MkdirTemp("", "git-launcher-tag-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p.Commit, p.Mirrors = ref.Commit, nil
	return fetch.Fetch(ctx, p.fetching(), func(ctx context.Context, stream io.Reader) error {
		id := p.Commit
		err := p.commits(ctx, stream, dir, func(a *pack.Archive) error {
			for n := 0; ; n++ {
				e, there := a.Find(id)
				switch {
				case !there || e.Type != object.Tag:
					return nil
				case n == maxTags:
					return &RefError{Name: ref.Name, Reason: fmt.Sprintf("is a tag of a tag, more than %d times", maxTags)}
				}
				_, content, err := a.Bytes(ctx, e)
				if err != nil {
					return err
				}
				tag, err := object.ParseTag(id.Format(), content)
				if err != nil {
					return &RefError{Name: ref.Name, Reason: "leads to a malformed tag: " + err.Error()}
				}
				id = tag.Target
			}
		})
		ref.Commit, ref.Unpeeled = id, false
		return err
	})
}

// Reach says whether a branch or a tag leads to a commit. If none does, the host may remove
// the commit at any time.
type Reach int

// The answers of [Reachable].
const (
	NotTip    Reach = iota // no branch or tag points to it; history was not read
	Tip                    // a branch or a tag points to it
	Reached                // it is in the history of a branch or a tag
	Unreached              // it is in the history of none
)

// Reachable asks whether a branch or a tag leads to p.Commit. With history it reads the
// commits of all of them into files below dir, within the limits of p; a server that can't
// leave out the rest sends everything. Errors are those of [Pin].
func Reachable(ctx context.Context, p Params, history bool, dir string) (Reach, error) {
	reach := NotTip
	var look func(context.Context, io.Reader) error
	if history {
		look = func(ctx context.Context, stream io.Reader) error {
			return p.commits(ctx, stream, dir, func(a *pack.Archive) error {
				// The pack is the history of the tips. Its objects' ids are computed from their bytes.
				reach = Unreached
				if _, there := a.Find(p.Commit); there {
					reach = Reached
				}
				return nil
			})
		}
	}
	tip, err := fetch.Tips(ctx, p.fetching(), look)
	if tip {
		reach = Tip
	}
	return reach, p.fetchFault(err)
}

// EachSource pins the commit from Repo and from each mirror in turn, each time into a new
// directory below dir, and calls told with the outcome. It is for authors: a launch uses the
// first source that has the commit. It leaves out submodules, which mirrors don't serve. By
// default it asks each source at most three times. Errors are those of the context, and of the
// disk if a directory can't be removed.
func EachSource(ctx context.Context, p Params, dir string, told func(source string, err error)) error {
	for i, repo := range append([]config.RepoURL{p.Repo}, p.Mirrors...) {
		place := filepath.Join(dir, fmt.Sprint("source", i))
		one := p
		one.Repo, one.Mirrors, one.Submodules, one.WorkDir = repo, nil, false, filepath.Join(place, "work")
		if !repo.SameHost(p.Repo) {
			one.Auth = p.Auth.Elsewhere()
		}
		if one.Retries < 0 {
			one.Retries = 2
		}
		c, err := Pin(ctx, one)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			c.Close()
		}
		told(fetch.SourceName(i, repo), err)
		if err := os.RemoveAll(place); err != nil {
			return err
		}
	}
	return nil
}

// commits reads a pack for the names of its objects, and calls use with it.
func (p *Params) commits(ctx context.Context, stream io.Reader, dir string, use func(*pack.Archive) error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	keep, err := gitdir.Spool(root, ".")
	if err != nil {
		return err
	}
	defer keep.Close()
	src := pack.Source{Stream: stream, Keep: keep, NewHasher: p.hasher, Spool: func() (*os.File, error) { return gitdir.Spool(root, ".") }}
	a, err := pack.Read(ctx, src, p.limits(), pack.NamesOnly{})
	if err != nil {
		return err
	}
	return use(a)
}
