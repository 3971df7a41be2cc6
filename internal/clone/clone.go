package clone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Clone is a working tree and its repository.
type Clone struct {
	Dir     string // top of the working tree
	objects string // the repository's object directory
	index   string // its index
}

// ErrNoClone says that a directory is in no working tree that git knows.
var ErrNoClone = errors.New("is in no Git working tree")

// ErrNoGit says that the machine lacks git.
var ErrNoGit = errors.New("git is not installed, or not on PATH")

// Open returns the clone that a directory is in.
func Open(ctx context.Context, dir string) (*Clone, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, ErrNoGit
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	c := &Clone{Dir: dir}
	out, err := c.git(ctx, nil, "rev-parse", "--path-format=absolute", "--show-toplevel", "--git-path", "objects", "--git-path", "index")
	if err != nil {
		return nil, fmt.Errorf("%s %w (%w)", dir, ErrNoClone, err)
	}
	lines := strings.Split(out, "\n")
	if len(lines) != 3 {
		return nil, fmt.Errorf("git rev-parse: %q is not understood", out)
	}
	c.Dir, c.objects, c.index = lines[0], lines[1], lines[2]
	return c, nil
}

// git runs git in the clone and returns what it printed, without the last line break. Git
// looks at the folder itself, rather than at what a daemon or a cache says of it.
func (c *Clone) git(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", c.Dir, "-c", "commit.gpgSign=false", "-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"}, args...)...)
	cmd.Env = append(os.Environ(), append([]string{"GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C"}, env...)...)
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		said, _, _ := strings.Cut(strings.TrimSpace(failed.String()), "\n")
		return "", fmt.Errorf("git %s: %w: %.300s", args[0], err, said)
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

// Origin returns the address of the remote that the clone came from.
func (c *Clone) Origin(ctx context.Context) (string, error) {
	url, err := c.git(ctx, nil, "remote", "get-url", "origin")
	if err != nil {
		return "", fmt.Errorf("%s has no remote named origin: %w", c.Dir, err)
	}
	return url, nil
}

// Head returns the commit that is checked out.
func (c *Clone) Head(ctx context.Context) (commit string, err error) {
	if commit, err = c.git(ctx, nil, "rev-parse", "--verify", "HEAD^{commit}"); err != nil {
		return "", fmt.Errorf("%s has no commit yet: %w", c.Dir, err)
	}
	return commit, nil
}

// Dirty returns the files that are not as HEAD has them, without those that git
// ignores.
func (c *Clone) Dirty(ctx context.Context) ([]string, error) {
	out, err := c.git(ctx, nil, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal")
	if err != nil {
		return nil, err
	}
	var files []string
	for line := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		if len(line) > 3 {
			files = append(files, line[3:])
		}
	}
	return files, nil
}

// Published reports whether a branch or tag that was fetched from origin, or pushed to it,
// leads to a commit, as far as the clone knows.
func (c *Clone) Published(ctx context.Context, commit string) (bool, error) {
	out, err := c.git(ctx, nil, "for-each-ref", "--count=1", "--format=%(refname)", "--contains", commit, "refs/remotes/origin")
	return out != "", err
}

// Between returns the commits that lead from one to another, newest first and at most
// this many, and whether the second comes after the first. It fails if the clone lacks
// one.
func (c *Clone) Between(ctx context.Context, from, to string, most int) (lines []string, after bool, err error) {
	for _, id := range []string{from, to} {
		if _, err := c.git(ctx, nil, "cat-file", "-e", id+"^{commit}"); err != nil {
			return nil, false, fmt.Errorf("this clone lacks %s", id)
		}
	}
	_, err = c.git(ctx, nil, "merge-base", "--is-ancestor", from, to)
	after = err == nil
	if !after {
		from, to = to, from // then it lists what is taken back
	}
	out, err := c.git(ctx, nil, "log", "--no-decorate", "--no-color", "--no-show-signature", fmt.Sprintf("--max-count=%d", most), "--format=%h %an: %s", from+".."+to)
	if err != nil || out == "" {
		return nil, after, err
	}
	return strings.Split(out, "\n"), after, nil
}

// Copy is a separate bare repository with one commit: what the clone's folder holds. It
// shares nothing with the clone.
type Copy struct {
	Dir    string // the bare repository
	Commit string // the only one in it
	Dirty  bool   // whether it is no commit of the clone, but what its folder holds

	clone *Clone
	index string
}

// Copy makes the bare repository in a new directory, with what the folder holds now.
func (c *Clone) Copy(ctx context.Context, dir string) (*Copy, error) {
	p := &Copy{Dir: filepath.Join(dir, "workload.git"), clone: c, index: filepath.Join(dir, "index")}
	format, err := c.git(ctx, nil, "rev-parse", "--show-object-format")
	if err != nil {
		return nil, err
	}
	// It is readable, whatever the umask: a container's root may be another than ours.
	if _, err := c.git(ctx, nil, "init", "--quiet", "--bare", "--shared=0644", "--object-format="+format, p.Dir); err != nil {
		return nil, err
	}
	if err := copyIndex(c.index, p.index); err != nil {
		return nil, err
	}
	if err := p.unmark(ctx); err != nil {
		return nil, err
	}
	_, err = p.Take(ctx)
	return p, err
}

// copyIndex copies the clone's index, so that git need not read files that have not
// changed. The copy keeps the index's time: git reads each file again that is no older
// than its index, since nothing else shows a change of equal length within the same
// second.
func copyIndex(from, to string) error {
	info, err := os.Stat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was ever added
	}
	if err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		return err
	}
	return os.Chtimes(to, time.Time{}, info.ModTime())
}

// unmark takes the marks from the copied index by which an author tells git not to look at
// a file: git would take what the index has for what the folder holds. A file that a sparse
// checkout leaves out keeps its mark, since the folder does not have it.
func (p *Copy) unmark(ctx context.Context) error {
	env := []string{"GIT_INDEX_FILE=" + p.index}
	listed, err := p.clone.git(ctx, env, "ls-files", "-v", "-z")
	if err != nil {
		return err
	}
	for entry := range strings.SplitSeq(listed, "\x00") {
		mark, name, _ := strings.Cut(entry, " ")
		var flags []string
		if mark != strings.ToUpper(mark) {
			flags = append(flags, "--no-assume-unchanged")
		}
		if strings.EqualFold(mark, "S") {
			if _, err := os.Lstat(filepath.Join(p.clone.Dir, name)); err == nil {
				flags = append(flags, "--no-skip-worktree")
			}
		}
		for _, flag := range flags { // git takes one of them at a time
			if _, err := p.clone.git(ctx, env, "update-index", flag, "--", name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Take looks at the folder again, and reports whether it holds something else than before.
// A commit of uncommitted changes has HEAD as its parent and HEAD's time, so the same
// changes are the same commit.
func (p *Copy) Take(ctx context.Context) (changed bool, err error) {
	c := p.clone
	env := []string{"GIT_INDEX_FILE=" + p.index, "GIT_OBJECT_DIRECTORY=" + filepath.Join(p.Dir, "objects"), "GIT_ALTERNATE_OBJECT_DIRECTORIES=" + c.objects}
	if _, err := c.git(ctx, env, "add", "--all", "--", "."); err != nil {
		return false, err
	}
	tree, err := c.git(ctx, env, "write-tree")
	if err != nil {
		return false, err
	}
	commit, dirty := "", true
	when := "1970-01-01T00:00:00Z"
	args := []string{"commit-tree", "-m", "What the folder holds, not committed", tree}
	if head, err := c.Head(ctx); err == nil {
		out, err := c.git(ctx, nil, "show", "--no-patch", "--no-show-signature", "--format=%T %cI", head)
		if err != nil {
			return false, err
		}
		of, at, _ := strings.Cut(out, " ")
		when, args = at, append(args, "-p", head)
		if of == tree {
			commit, dirty = head, false
		}
	}
	if dirty {
		who := []string{"GIT_AUTHOR_NAME=git-launcher-dev", "GIT_AUTHOR_EMAIL=", "GIT_AUTHOR_DATE=" + when, "GIT_COMMITTER_NAME=git-launcher-dev", "GIT_COMMITTER_EMAIL=", "GIT_COMMITTER_DATE=" + when}
		if commit, err = c.git(ctx, append(env, who...), args...); err != nil {
			return false, err
		}
	}
	if commit == p.Commit {
		return false, nil
	}
	if err := p.hold(ctx, commit); err != nil {
		return false, err
	}
	p.Commit, p.Dirty = commit, dirty
	return true, nil
}

// hold makes a commit the only one of the repository, without its history, and copies
// the objects that it needs from the clone.
func (p *Copy) hold(ctx context.Context, commit string) error {
	if err := os.WriteFile(filepath.Join(p.Dir, "shallow"), []byte(commit+"\n"), 0o644); err != nil {
		return err
	}
	lent := []string{"GIT_ALTERNATE_OBJECT_DIRECTORIES=" + p.clone.objects}
	for _, args := range [][]string{
		{"update-ref", "refs/heads/main", commit},
		{"symbolic-ref", "HEAD", "refs/heads/main"},
		{"repack", "-a", "-d", "-q"},
	} {
		if _, err := p.clone.git(ctx, lent, append([]string{"--git-dir=" + p.Dir}, args...)...); err != nil {
			return err
		}
	}
	return nil
}
