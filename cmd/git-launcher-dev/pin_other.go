//go:build !linux

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// defaultOut is the folder of a deployment.
const defaultOut = "deploy"

var errNeedsLinux = hint(
	errors.New("the commit is proven as a launch does it, which takes Linux"),
	"run it in the launcher's image: docker run --rm -v \"$PWD:/d\" -w /d IMAGE pin --out deploy REPO_URL REF (or check CONFIG)",
)

func (p *program) pinCommand() *cobra.Command {
	return refusing("pin", "Write a deployment that pins a commit (on Linux alone)")
}

func (p *program) checkCommand() *cobra.Command {
	return refusing("check", "Do all of a launch but measuring and running (on Linux alone)")
}

func refusing(name, short string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error { return errNeedsLinux },
	}
}
