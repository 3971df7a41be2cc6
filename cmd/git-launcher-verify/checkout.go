package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/cli"
	"gitlauncher/internal/clonehash"
	"gitlauncher/internal/inputs"
	"gitlauncher/internal/printable"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/launch"
)

// checkout prints the digests of a clone, in the words of a policy.
func (p *program) checkout(_ context.Context, s *settings) error {
	c, err := openClone(s.evidence)
	if err != nil {
		return err
	}
	defer c.Close()
	id, err := s.commitOf(c)
	if err != nil {
		return err
	}
	d, err := c.Digests(id, measure.Beyond{Recursive: s.submodules == "recursive", LFS: s.lfs == "fetch"})
	if err != nil {
		return err
	}
	script := first(&s.policy.EntrypointScript, config.DefaultScript)
	entry, entryErr := d.FileSHA256(path.Join(first(&s.policy.RepoSubdir, ""), script))
	if s.json {
		out := map[string]string{"commit": d.Commit.String(), "tree": d.Tree.String(), "content_sha256": d.ContentSHA256}
		if len(d.Submodules) > 0 {
			out["submodules"] = measure.SubmoduleLines(d.Submodules)
		}
		if d.LFSSHA256 != "" {
			out["lfs_sha256"] = d.LFSSHA256
		}
		if entryErr == nil {
			out["entrypoint_sha256"] = entry
		}
		return p.printJSON(out)
	}
	last := "ENTRYPOINT_SHA256=" + entry
	if entryErr != nil {
		last = "# no ENTRYPOINT_SHA256: " + printable.Text(entryErr.Error())
	}
	for _, sub := range d.Submodules {
		last += "\n# with the submodule " + printable.Text(sub.Path) + " at " + sub.Commit
	}
	if d.LFSSHA256 != "" {
		last += "\n# with the contents of Git LFS files: " + d.LFSSHA256
	}
	_, err = fmt.Fprintf(p.stdout, "COMMIT_SHA=%s\nTREE=%s\nCONTENT_SHA256=%s\n%s\n", d.Commit, d.Tree, d.ContentSHA256, last)
	return err
}

// openClone opens a clone that the command line names.
func openClone(dir string) (*clonehash.Clone, error) {
	c, err := clonehash.Open(dir)
	var not *clonehash.NotCloneError
	if errors.As(err, &not) {
		return nil, &cli.UsageError{Err: err}
	}
	return c, err
}

// commitOf returns the commit that --commit names, or else HEAD's.
func (s *settings) commitOf(c *clonehash.Clone) (object.ID, error) {
	if !s.commit.IsZero() {
		return s.commit, nil
	}
	return c.Head()
}

// first is the first of what is expected, or else the launcher's default.
func first(want policy.Expectation, byDefault string) string {
	if v := want.Texts(); len(v) > 0 {
		return v[0]
	}
	return byDefault
}

// checkoutFor computes the digests of --checkout for the evidence's commit: the
// one that was launched if there is just one, else HEAD's.
func (s *settings) checkoutFor(e *evidence.Evidence) (*launch.Checkout, error) {
	c, err := openClone(s.checkout)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	id, err := s.commitOf(c)
	if launched := launchedIn(e.Log); s.commit.IsZero() && len(launched) == 1 {
		if id, err = object.ParseID(launched[0]); err != nil {
			return nil, &inputs.InvalidError{Err: fmt.Errorf("the event %s: %w", measure.EventCommit, err)}
		}
	}
	if err != nil {
		return nil, err
	}
	d, err := c.Digests(id, measure.Beyond{})
	if err != nil {
		return nil, err
	}
	checkout := said(d)
	checkout.Placed = func(beyond measure.Beyond) (*launch.Checkout, error) {
		c, err := openClone(s.checkout)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		d, err := c.Digests(id, beyond)
		if err != nil {
			return nil, err
		}
		return said(d), nil
	}
	return checkout, nil
}

// said is what a clone's digests say.
func said(d *clonehash.Digests) *launch.Checkout {
	return &launch.Checkout{Commit: d.Commit.String(), Tree: d.Tree.String(), ContentSHA256: d.ContentSHA256, EntrySHA256: d.FileSHA256, Submodules: d.Submodules, LFSSHA256: d.LFSSHA256}
}

// launchedIn are the commits that a log says were launched: which objects of a
// clone to look at, before anything is judged.
func launchedIn(log measure.Log) (commits []string) {
	for _, entry := range log {
		id := strings.ToLower(entry.Payload)
		if entry.IMR == measure.IMR && entry.Event == measure.EventCommit && !slices.Contains(commits, id) {
			if commits = append(commits, id); len(commits) > 1 {
				return commits // which is too many already
			}
		}
	}
	return commits
}
