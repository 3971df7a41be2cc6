package gitpin

import (
	"context"
	"io"
	"os"

	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/gitdir"
	"gitlauncher/gitpin/pack"
)

// Resolve asks the repository which commit a branch or a tag is now; see
// [fetch.Resolve]. Of Params it needs Repo, Auth, the timeouts and Log. Errors are
// [*RefError] and those of [Pin].
func Resolve(ctx context.Context, p Params, name string) (Ref, error) {
	ref, err := fetch.Resolve(ctx, p.fetching(), name)
	return ref, p.fetchFault(err)
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
// rest), below dir; Params' limits hold. Errors are those of [Pin].
func Reachable(ctx context.Context, p Params, history bool, dir string) (Reach, error) {
	reach := NotTip
	var look func(context.Context, io.Reader) error
	if history {
		look = func(ctx context.Context, stream io.Reader) error {
			a, err := p.commits(ctx, stream, dir)
			if err != nil {
				return err
			}
			// The pack is the history of the tips. Its objects are named by their own bytes.
			reach = Unreached
			if _, there := a.Find(p.Commit); there {
				reach = Reached
			}
			return nil
		}
	}
	tip, err := fetch.Tips(ctx, p.fetching(), look)
	if tip {
		reach = Tip
	}
	return reach, p.fetchFault(err)
}

// commits reads a pack for the names of its objects alone.
func (p *Params) commits(ctx context.Context, stream io.Reader, dir string) (*pack.Archive, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	keep, err := gitdir.Spool(root, ".")
	if err != nil {
		return nil, err
	}
	defer keep.Close()
	src := pack.Source{Stream: stream, Keep: keep, NewHasher: p.hasher, Spool: func() (*os.File, error) { return gitdir.Spool(root, ".") }}
	return pack.Read(ctx, src, p.limits(), pack.NamesOnly{})
}
