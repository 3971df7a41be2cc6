package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"gitlauncher/internal/cli"
	"gitlauncher/internal/lint"
)

func (p *program) lintCommand() *cobra.Command {
	var policy string
	cmd := &cobra.Command{
		Use:   "lint [DIR|FILE]",
		Short: "Say what a relying party will refuse of a compose file",
		Long: `lint judges a compose file as it stands, before anything is deployed, with check D of the
verifier itself. Each finding comes with the line of a policy that accepts it, if there is
one. DIR (default: deploy, if it is there, or here) has a docker-compose.yaml, or another
name that Compose looks for; FILE may also be an app-compose.json. The policy is the one
beside it, policy.conf, if there is one.

Exit code: 0 if check D will pass, 4 if not.`,
		Example: `  git-launcher-dev lint
  git-launcher-dev lint deploy/docker-compose.yaml --policy theirs.conf
  git-launcher-dev lint app-compose.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at := first(args, ".")
			if _, err := lint.Find(defaultOut); len(args) == 0 && err == nil {
				at = defaultOut
			}
			return p.lint(cmd.Context(), at, policy)
		},
	}
	cli.Text(cmd.Flags(), &policy, "policy", "FILE", "", "the policy to judge under (default: policy.conf beside the file)")
	return cmd
}

// lint prints the report. It is an error if check D will not pass.
func (p *program) lint(ctx context.Context, at, policy string) error {
	file, err := lint.Find(at)
	if errors.Is(err, lint.ErrNoFile) {
		return hint(err, "name the compose file, or write one with git-launcher-dev pin")
	}
	if err != nil {
		return err
	}
	r, err := lint.File(ctx, file, policy)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := r.Write(&text); err != nil {
		return err
	}
	if _, err := p.stdout.Write([]byte(text.String())); err != nil {
		return err
	}
	if refused, open := r.Refused(); refused+open > 0 {
		return cli.ExitError(exitRefused)
	}
	return nil
}
