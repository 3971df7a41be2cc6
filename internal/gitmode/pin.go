package gitmode

import (
	"context"
	"os"
	"path"
	"strings"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/author"
	"gitlauncher/internal/deployment"
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
	texts, err := l.Texts(ctx, r)
	if err != nil {
		return err
	}
	if r.Out != "" {
		return step.At("write the result", l.writeFiles(r.Out, texts))
	}
	return step.At("write the result", l.print(r.Print, texts))
}

// Texts returns what Pin prints or writes.
func (l *Launch) Texts(ctx context.Context, r *PinRequest) (texts []author.Text, err error) {
	commit, err := l.Resolve(ctx, r.Repo, r.Ref, r.Auth)
	if err != nil {
		return nil, err
	}
	cfg, err := r.Wish.Config(r.Repo, commit)
	if err != nil {
		return nil, step.At(step.MakeConfig, err)
	}
	err = l.prove(ctx, cfg.Git, r.Auth, func(c *gitpin.Checkout) (err error) {
		texts, err = r.Wish.Texts(cfg, func(cfg *config.Git, configSHA256 string) ([]byte, error) {
			record, err := l.record(cfg, configSHA256, c)
			return record, step.At(step.Entry, err)
		})
		return err
	})
	return texts, err
}

// Resolve turns a branch or a tag into its commit. Errors are *[step.Error].
func (l *Launch) Resolve(ctx context.Context, repo config.RepoURL, name string, auth gitpin.Credentials) (object.ID, error) {
	ref, err := gitpin.Resolve(ctx, l.params(&config.Git{Repo: repo}, "", auth), name)
	if err != nil {
		return object.ID{}, step.At("resolve the name", err)
	}
	if ref.Name != "" {
		l.Log.Info(ref.Name + " is commit " + ref.Commit.String() + " now; the commit is what gets pinned")
	}
	return ref.Commit, nil
}

// Prove returns the launch record of a config whose commit was proven, as far as it is
// known before there is a file: without the config's own hash. Errors are *[step.Error].
func (l *Launch) Prove(ctx context.Context, cfg *config.Git, auth gitpin.Credentials) (record []byte, err error) {
	err = l.prove(ctx, cfg, auth, func(c *gitpin.Checkout) (err error) {
		record, err = l.record(cfg, "", c)
		return step.At(step.Entry, err)
	})
	return record, err
}

// writeFiles writes all texts into a directory, or none if one would replace what
// somebody else wrote.
func (l *Launch) writeFiles(out string, texts []author.Text) error {
	if err := deployment.Fresh(out, texts); err != nil {
		return err
	}
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

// print prints the texts that are asked for.
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
