package fetch

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gitlauncher/gitpin/fetch/remote"
	"gitlauncher/gitpin/fetch/uploadpack"
	"gitlauncher/gitpin/object"
)

// Ref is a name and the commit that it leads to now, as the server says. It is for
// authors, who look at the commit before they pin it. A launch never asks for names.
type Ref struct {
	Name   string // in full, as refs/heads/main; empty for a commit given by its id
	Commit object.ID
	// Unpeeled means that Commit is what the tag itself points at, which may be a tag object.
	// A bundle does not say which commit such an object leads to.
	Unpeeled bool
}

// RefError is a name that does not lead to exactly one commit.
type RefError struct{ Name, Reason string }

func (e *RefError) Error() string { return fmt.Sprintf("%.200q %s", e.Name, e.Reason) }

// Resolve asks the repository which commit a branch or a tag leads to now. name may be
// short; it must be the full name if both a branch and a tag have the short one. An empty
// name is the default branch. A full commit id is returned as it is. Of Params it requires
// Repo, Auth, the timeouts and Log. Errors are [*RefError] and those of [Fetch].
func Resolve(ctx context.Context, p Params, name string) (Ref, error) {
	if id, err := object.ParseID(name); err == nil {
		return Ref{Commit: id}, nil
	}
	var ref Ref
	err := advertised(ctx, p, name, func(_ context.Context, _ *fetcher, s remote.Session, refs *uploadpack.References) (err error) {
		ref, err = resolve(refs, name)
		_, bundled := s.(*remote.Bundle)
		ref.Unpeeled = bundled && strings.HasPrefix(ref.Name, "refs/tags/")
		return err
	})
	return ref, err
}

// looksShort reports whether a name looks like an abbreviated or misspelt commit id.
func looksShort(name string) bool {
	return len(name) >= 4 && len(name) <= 64 && strings.Trim(name, "0123456789abcdefABCDEF") == ""
}

func resolve(refs *uploadpack.References, name string) (Ref, error) {
	if name == "" || name == "HEAD" {
		if refs.Head == nil {
			return Ref{}, &RefError{"HEAD", "is not advertised; name a branch or a tag"}
		}
		return Ref{Name: "HEAD", Commit: *refs.Head}, nil
	}
	var found []string
	for _, full := range []string{name, "refs/heads/" + name, "refs/tags/" + name} {
		if _, ok := refs.ID(full); ok && strings.HasPrefix(full, "refs/") {
			found = append(found, full)
		}
	}
	switch {
	case len(found) > 1:
		return Ref{}, &RefError{name, "is ambiguous: " + strings.Join(found, " and ") + "; give the full name"}
	case len(found) == 0 && looksShort(name):
		return Ref{}, &RefError{name, "is neither a branch nor a tag; a commit is named by all " + strconv.Itoa(refs.Format.Digits()) + " lowercase digits of its id"}
	case len(found) == 0:
		return Ref{}, &RefError{name, "is neither a branch nor a tag of the repository"}
	}
	return Ref{Name: found[0], Commit: refs.Commit(found[0])}, nil
}

// Tips reports whether a branch or a tag points at p.Commit itself. If none does and history
// is not nil, Tips calls history with a pack of the commits of all branches and tags and
// their ancestors. From servers that can't filter, the pack has trees and files, too. Tips
// tries once: the author who waits for it can try again. Errors are those of [Fetch] and of
// history.
func Tips(ctx context.Context, p Params, history func(ctx context.Context, pack io.Reader) error) (isTip bool, err error) {
	err = advertised(ctx, p, "", func(ctx context.Context, f *fetcher, s remote.Session, refs *uploadpack.References) error {
		if err := f.suits(refs); err != nil {
			return f.classifyIn(ctx, "reading the repository's references", err)
		}
		if isTip = slices.Contains(refs.Published(), p.Commit); isTip || history == nil {
			return nil
		}
		req := &uploadpack.Request{Wants: refs.Tips(), Capabilities: uploadpack.Capable(refs.Has, false, true), Treeless: refs.Has("filter")}
		body, err := f.send(s, req)
		if err != nil {
			return f.classifyIn(ctx, "reading the repository's history", err)
		}
		pack := &stream{ctx: ctx, r: body, moved: func(n int) { p.Progress(int64(n)) }}
		defer pack.end()
		err = history(ctx, pack)
		if broken := pack.broke(err); err != nil && broken != nil {
			return f.classify("reading the repository's history", broken)
		}
		return err
	})
	return isTip, err
}

// advertised connects to the repository, reads its references, and calls use with them. name
// is a reference to read besides branches and tags.
func advertised(ctx context.Context, p Params, name string, use func(context.Context, *fetcher, remote.Session, *uploadpack.References) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.FetchTimeout, errTimedOut)
	defer cancel()
	f, err := newFetcher(p)
	if err != nil {
		return err
	}
	ctx, alive, stop := f.watched(ctx)
	defer stop(nil)
	s, err := f.open(ctx, alive)
	if err != nil {
		return f.classifyIn(ctx, "connecting to the repository", err)
	}
	defer s.Close()
	refs, err := s.References(name)
	if err != nil {
		return f.classifyIn(ctx, "reading the repository's references", err)
	}
	return use(ctx, f, s, refs)
}
