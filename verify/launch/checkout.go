package launch

import (
	"path"
	"strings"

	"gitlauncher/measure"
	"gitlauncher/verify/report"
)

// Checkout is what a local clone says about the commit of a record.
type Checkout struct {
	Commit, Tree, ContentSHA256 string
	// EntrySHA256 returns a file's SHA-256 by its path in the tree.
	EntrySHA256 func(path string) (string, error)

	// Placed returns the same for the commit together with what is placed beyond its
	// tree. The result has no Placed.
	Placed func(measure.Beyond) (*Checkout, error)
	// Submodules are those that the content covers, and LFSSHA256 names the Git LFS files.
	Submodules []measure.Submodule
	LFSSHA256  string
}

// compare compares a launch record with a local clone.
func (clone *Checkout) compare(c report.Check, g *measure.GitRecord) {
	same := func(name, want, found string) {
		if want == found {
			c.Pass(name, found)
		} else {
			c.NotAllowed(name, want, found, "the local clone has something else than what was launched")
		}
	}
	if clone.Commit != g.Commit {
		same("clone's commit", clone.Commit, g.Commit)
		return
	}
	same("clone's tree", clone.Tree, g.Tree)
	if lfs := g.LFSSHA256 != ""; lfs || len(g.Submodules) > 0 {
		whole, err := clone.Placed(measure.Beyond{Submodules: g.Submodules, LFS: lfs})
		if err != nil {
			c.Undecided("clone's content", "", g.ContentSHA256, err.Error())
			return
		}
		if len(g.Submodules) > 0 {
			same("clone's submodules", lines(whole.Submodules), lines(g.Submodules))
		}
		if lfs {
			same("clone's Git LFS files", whole.LFSSHA256, g.LFSSHA256)
		}
		clone = whole
	}
	same("clone's content", clone.ContentSHA256, g.ContentSHA256)
	if !g.Advanced {
		found, err := clone.EntrySHA256(path.Join(g.Subdir, g.Entrypoint))
		if err != nil {
			found = err.Error()
		}
		same("clone's entry script", found, g.EntrypointSHA256)
	}
}

// lines formats submodules for a reader.
func lines(submodules []measure.Submodule) string {
	all := make([]string, len(submodules))
	for i, s := range submodules {
		all[i] = s.Path + " at " + s.Commit
	}
	return strings.Join(all, ", ")
}
