package gitpin

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// Ref is a name and the commit that it leads to, as the server says now. It is for
// authors, who look at it before they pin: the launch itself never asks for names.
type Ref struct {
	Name   string // in full, as refs/heads/main; empty for a commit given by its id
	Commit object.ID
}

// RefError is a name that leads to no one commit.
type RefError struct{ Name, Reason string }

func (e *RefError) Error() string { return fmt.Sprintf("%.200q %s", e.Name, e.Reason) }

// Resolve asks the repository which commit a branch or a tag is now: by its short name,
// or in full where both exist. Empty is the default branch; a full commit id is
// itself. Of Params it needs Repo, Auth, the timeouts and Log. Errors are *RefError and
// those of Pin.
func Resolve(ctx context.Context, p Params, name string) (Ref, error) {
	if id, err := object.ParseID(name); err == nil {
		return Ref{Commit: id}, nil
	}
	var ref Ref
	err := p.advertised(ctx, func(_ context.Context, _ session, adv *packp.AdvRefs) (err error) {
		ref, err = resolve(adv, name)
		return err
	})
	return ref, err
}

// isShortID reports what looks like a commit's id that was cut off.
func isShortID(name string) bool {
	return len(name) >= 4 && len(name) <= 64 && strings.Trim(name, "0123456789abcdefABCDEF") == ""
}

func resolve(adv *packp.AdvRefs, name string) (Ref, error) {
	if name == "" || name == "HEAD" {
		if adv.Head == nil {
			return Ref{}, &RefError{"HEAD", "is not advertised; name a branch or a tag"}
		}
		return Ref{"HEAD", object.ID(*adv.Head)}, nil
	}
	var found []string
	for _, full := range []string{name, "refs/heads/" + name, "refs/tags/" + name} {
		if _, ok := adv.References[full]; ok && strings.HasPrefix(full, "refs/") {
			found = append(found, full)
		}
	}
	switch {
	case len(found) > 1:
		return Ref{}, &RefError{name, "is several things: " + strings.Join(found, " and ") + "; give the full name"}
	case len(found) == 0 && isShortID(name):
		return Ref{}, &RefError{name, "is no branch and no tag; a commit is named by all 40 lowercase digits of its id"}
	case len(found) == 0:
		return Ref{}, &RefError{name, "is no branch and no tag of the repository"}
	}
	return Ref{found[0], object.ID(peeled(adv, found[0]))}, nil
}

// peeled is the commit of a reference: an annotated tag has an id of its own, and is
// advertised with the commit that it names.
func peeled(adv *packp.AdvRefs, full string) plumbing.Hash {
	if h, ok := adv.Peeled[full]; ok {
		return h
	}
	return adv.References[full]
}

// Reach says whether something published leads to a commit. A commit that nothing
// leads to may vanish from the host at any time.
type Reach int

// The answers of Reachable.
const (
	NotTip    Reach = iota // no branch or tag points at it; history was not looked at
	Tip                    // a branch or a tag points at it
	Reached                // it is in the history of one
	Unreached              // it is in the history of none
)

// Reachable asks whether a branch or a tag leads to p.Commit. With history it reads
// the commits of all of them (everything, from servers that can't leave out the
// rest), below dir; Params' limits hold. Errors are those of Pin.
func Reachable(ctx context.Context, p Params, history bool, dir string) (Reach, error) {
	reach := NotTip
	err := p.advertised(ctx, func(ctx context.Context, s session, adv *packp.AdvRefs) error {
		tips := make(map[plumbing.Hash]bool)
		for name := range adv.References {
			if strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/") {
				tips[peeled(adv, name)] = true
			}
		}
		if tips[plumbing.Hash(p.Commit)] {
			reach = Tip
			return nil
		}
		if !history {
			return nil
		}
		req := packp.NewUploadPackRequest()
		for _, c := range []capability.Capability{capability.OFSDelta, capability.Sideband64k, capability.NoProgress, capability.Filter} {
			if adv.Capabilities.Supports(c) {
				req.Capabilities.Set(c)
			}
		}
		if adv.Capabilities.Supports(capability.Filter) {
			req.Filter = packp.FilterTreeDepth(0)
		}
		for h := range tips {
			req.Wants = append(req.Wants, h)
		}
		slices.SortFunc(req.Wants, func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
		res, err := within(ctx, func() (*packp.UploadPackResponse, error) { return s.UploadPack(ctx, req) })
		if err != nil {
			return err
		}
		defer res.Close()
		body := &packReader{ctx: ctx, r: demux(req, res), moved: func(n int, _ error) { p.Progress(int64(n)) }}
		defer body.end()
		a, err := p.commits(ctx, body, dir)
		if err != nil {
			return err
		}
		// The pack is the history of the tips. Its objects are named by their own bytes.
		reach = Unreached
		if a.Find(p.Commit) != nil {
			reach = Reached
		}
		return nil
	})
	return reach, err
}

// commits reads a pack for the names of its objects alone.
func (p *Params) commits(ctx context.Context, stream io.Reader, dir string) (*pack.Archive, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	keep, err := spool(root, ".")
	if err != nil {
		return nil, err
	}
	defer keep.Close()
	src := pack.Source{Stream: stream, Keep: keep, NewHasher: p.Hasher, Spool: func() (*os.File, error) { return spool(root, ".") }}
	return pack.Read(ctx, src, pack.Limits{Pack: p.MaxPackBytes, Tree: p.MaxTreeBytes}, nothing{})
}

// nothing is a pack.Sink that keeps nothing.
type nothing struct{}

func (nothing) Meta(object.Type, object.ID, []byte) error { return nil }
func (nothing) Blob(object.ID, []byte) error              { return nil }
func (nothing) Large(int64) (pack.LargeBlob, error)       { return nil, nil }

// advertised opens the repository, reads its references, and lets use go on from
// there. It tries once: an author is there to try again.
func (p *Params) advertised(ctx context.Context, use func(context.Context, session, *packp.AdvRefs) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.FetchTimeout, errTimedOut)
	defer cancel()
	f := &fetcher{Params: p}
	if err := f.readToken(); err != nil {
		return err
	}
	s, err := f.open(ctx)
	if err != nil {
		return f.classifyIn(ctx, "connecting to the repository", err)
	}
	defer s.Close()
	adv, err := within(ctx, func() (*packp.AdvRefs, error) { return s.AdvertisedReferencesContext(ctx) })
	if err != nil {
		return f.classifyIn(ctx, "reading the repository's references", err)
	}
	if err := use(ctx, s, adv); err != nil {
		if _, ok := err.(*RefError); ok {
			return err
		}
		return f.classifyIn(ctx, "reading the repository's history", err)
	}
	return nil
}
