package launch

import (
	"path"

	"gitlauncher/measure"
	"gitlauncher/verify/report"
)

// Checkout is what a local clone says about the commit of a record.
type Checkout struct {
	Commit, Tree, ContentSHA256 string
	// EntrySHA256 returns a file's SHA-256 by its path in the tree.
	EntrySHA256 func(path string) (string, error)
}

// same holds a launch record against a local clone.
func (clone *Checkout) same(c report.Check, g *measure.GitRecord) {
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
	same("clone's content", clone.ContentSHA256, g.ContentSHA256)
	if !g.Advanced {
		found, err := clone.EntrySHA256(path.Join(g.Subdir, g.Entrypoint))
		if err != nil {
			found = err.Error()
		}
		same("clone's entry script", found, g.EntrypointSHA256)
	}
}
