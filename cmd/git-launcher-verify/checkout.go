package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/printable"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify"
)

// clone is a local clone. Objects are hashed again from their own bytes; the
// clone's word about ids counts for nothing.
type clone struct {
	store *filesystem.Storage
	left  int                             // entries that may still be walked
	blobs map[object.ID][sha256.Size]byte // that were read: one blob can be many files
}

// maxEntries bounds a tree, directories included, as the launcher does by default:
// trees can name each other more often than anybody can walk.
const maxEntries = 2_000_000

func openClone(dir string) (*clone, error) {
	git := filepath.Join(dir, ".git")
	info, err := os.Stat(git)
	switch {
	case err == nil && !info.IsDir():
		return nil, usagef("%s is a linked work tree or a submodule; give a clone of its own", dir)
	case err != nil:
		git = dir // a bare one
	}
	if _, err := os.Stat(filepath.Join(git, "objects")); err != nil {
		return nil, usagef("%s is not a clone of a Git repository", dir)
	}
	return &clone{filesystem.NewStorage(osfs.New(git), cache.NewObjectLRUDefault()), maxEntries, make(map[object.ID][sha256.Size]byte)}, nil
}

// head is the commit that HEAD means.
func (c *clone) head() (object.ID, error) {
	name := plumbing.HEAD
	for range 5 {
		ref, err := c.store.Reference(name)
		if err != nil {
			return object.ID{}, fmt.Errorf("HEAD: %w", err)
		}
		if ref.Type() == plumbing.HashReference {
			return object.ID(ref.Hash()), nil
		}
		name = ref.Target()
	}
	return object.ID{}, fmt.Errorf("HEAD: too many symbolic references")
}

// read gives an object's bytes, and proves that they have its id.
func (c *clone) read(id object.ID, typ object.Type) ([]byte, error) {
	kind := plumbing.ObjectType(typ) // both are Git's own numbers
	o, err := c.store.EncodedObject(kind, plumbing.Hash(id))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", kind, id, err)
	}
	r, err := o.Reader()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", kind, id, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", kind, id, err)
	}
	got, err := object.NewHasher().Sum(typ, data)
	if err != nil || got != id {
		return nil, fmt.Errorf("%s %s: the clone's bytes have another id; it is damaged or forged", kind, id)
	}
	return data, nil
}

// digests computes what a launch record says of a commit.
func (c *clone) digests(id object.ID) (*verify.Checkout, error) {
	data, err := c.read(id, object.Commit)
	if err != nil {
		return nil, err
	}
	commit, err := object.ParseCommit(data)
	if err != nil {
		return nil, err
	}
	sums := make(map[string][sha256.Size]byte)
	listing := measure.NewListing()
	if err := c.walk(commit.Tree, "", listing, sums); err != nil {
		return nil, err
	}
	return &verify.Checkout{
		Commit: id.String(), Tree: commit.Tree.String(), ContentSHA256: listing.Sum(),
		EntrySHA256: func(name string) (string, error) {
			sum, ok := sums[path.Clean(name)]
			if !ok {
				return "", fmt.Errorf("the clone has no file %s", name)
			}
			return hex.EncodeToString(sum[:]), nil
		},
	}, nil
}

// walk adds a tree's files in the order of git ls-tree -r.
func (c *clone) walk(id object.ID, dir string, listing *measure.Listing, sums map[string][sha256.Size]byte) error {
	data, err := c.read(id, object.Tree)
	if err != nil {
		return err
	}
	entries, err := object.ParseTree(bytes.Clone(data))
	if err != nil {
		return fmt.Errorf("tree %s: %w", id, err)
	}
	if c.left -= len(entries); c.left < 0 {
		return fmt.Errorf("the commit has more than %d files and folders, which no launcher takes by default", maxEntries)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		switch e.Mode {
		case object.ModeDir:
			if err := c.walk(e.ID, name, listing, sums); err != nil {
				return err
			}
		case object.ModeGitlink:
			listing.AddGitlink(uint32(e.Mode), e.ID.String(), name)
		default:
			sum, known := c.blobs[e.ID]
			if !known {
				blob, err := c.read(e.ID, object.Blob)
				if err != nil {
					return err
				}
				sum = sha256.Sum256(blob)
				c.blobs[e.ID] = sum
			}
			sums[name] = sum
			listing.AddFile(uint32(e.Mode), sum, name)
		}
	}
	return nil
}

// checkout prints the digests of a clone, in the words of a policy.
func (p *program) checkout(s *settings) error {
	c, err := openClone(s.evidence)
	if err != nil {
		return err
	}
	id, err := s.commitOf(c)
	if err != nil {
		return err
	}
	d, err := c.digests(id)
	if err != nil {
		return err
	}
	script := first(&s.policy.EntrypointScript, config.DefaultScript)
	entry, entryErr := d.EntrySHA256(path.Join(first(&s.policy.RepoSubdir, ""), script))
	if s.json {
		out := map[string]string{"commit": d.Commit, "tree": d.Tree, "content_sha256": d.ContentSHA256}
		if entryErr == nil {
			out["entrypoint_sha256"] = entry
		}
		return p.printJSON(out)
	}
	last := "ENTRYPOINT_SHA256=" + entry
	if entryErr != nil {
		last = "# no ENTRYPOINT_SHA256: " + printable.Text(entryErr.Error())
	}
	_, err = fmt.Fprintf(p.stdout, "COMMIT_SHA=%s\nTREE=%s\nCONTENT_SHA256=%s\n%s\n", d.Commit, d.Tree, d.ContentSHA256, last)
	return err
}

func (s *settings) commitOf(c *clone) (object.ID, error) {
	if s.commit != "" {
		return object.ParseID(s.commit)
	}
	return c.head()
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
func (p *program) checkoutFor(s *settings, e *verify.Evidence) (*verify.Checkout, error) {
	c, err := openClone(s.checkout)
	if err != nil {
		return nil, err
	}
	if launched := launchedIn(e.Log); s.commit == "" && len(launched) == 1 {
		id, err := object.ParseID(launched[0])
		if err != nil {
			return nil, &invalidError{fmt.Errorf("the event %s: %w", measure.EventCommit, err)}
		}
		return c.digests(id)
	}
	id, err := s.commitOf(c)
	if err != nil {
		return nil, err
	}
	return c.digests(id)
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
