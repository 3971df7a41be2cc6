package gitmode

import (
	"context"
	"os"
	"path"
	"strings"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/internal/author"
	"gitlauncher/internal/step"
)

// PinRequest is what an author wants pinned.
type PinRequest struct {
	Repo  config.RepoURL
	Ref   string             // a branch, a tag or a commit; empty for the host's default branch
	Auth  gitpin.Credentials // the author's, on this machine
	Wish  author.Wish
	Print string // config, compose, policy or all
	Out   string // directory for the three as files, or empty
}

// Pin turns a branch or a tag into its commit, proves that commit as a launch would, and
// prints what a deployment needs. Errors are *[step.Error].
func (l *Launch) Pin(ctx context.Context, r *PinRequest) error {
	ref, err := gitpin.Resolve(ctx, l.params(&config.Git{Repo: r.Repo}, "", r.Auth), r.Ref)
	if err != nil {
		return step.At("resolve the name", err)
	}
	if ref.Name != "" {
		l.Log.Info(ref.Name + " is commit " + ref.Commit.String() + " now; the commit is what gets pinned")
	}
	cfg, err := r.Wish.Config(r.Repo, ref.Commit)
	if err != nil {
		return step.At(step.MakeConfig, err)
	}
	var texts []author.Text
	err = l.prove(ctx, cfg.Git, r.Auth, func(c *gitpin.Checkout) (err error) {
		texts, err = r.Wish.Texts(cfg, func(cfg *config.Git, configSHA256 string) ([]byte, error) {
			record, err := l.record(cfg, configSHA256, c)
			return record, step.At(step.Entry, err)
		})
		return err
	})
	if err != nil {
		return err
	}
	if r.Out != "" {
		return step.At("write the result", l.writeFiles(r.Out, texts))
	}
	return step.At("write the result", l.print(r.Print, texts))
}

// writeFiles writes all of them into a directory.
func (l *Launch) writeFiles(out string, texts []author.Text) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	dir, err := os.OpenRoot(out)
	if err != nil {
		return err
	}
	defer dir.Close()
	for _, t := range texts {
		if err := dir.WriteFile(t.File, []byte(t.Text), 0o644); err != nil {
			return err
		}
		l.Log.Info("wrote " + path.Join(out, t.File))
	}
	return nil
}

// print prints those that are wanted.
func (l *Launch) print(which string, texts []author.Text) error {
	var shown []string
	for _, t := range texts {
		if which == "all" {
			shown = append(shown, "# "+t.File+"\n"+t.Text)
		} else if which == t.Name {
			shown = append(shown, t.Text)
		}
	}
	_, err := l.Stdout.Write([]byte(strings.Join(shown, "\n")))
	return err
}
