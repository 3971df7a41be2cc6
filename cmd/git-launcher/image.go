package main

import (
	"context"
	"io"
	"os"
	"slices"

	"gitlauncher/internal/imagecheck"
	"gitlauncher/internal/imagemode"
	"gitlauncher/internal/step"
)

// imageCommand runs `git-launcher image …` and returns the exit code.
func imageCommand(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	command := ""
	if len(args) > 0 && slices.Contains([]string{"resolve", "compose", "check"}, args[0]) {
		command, args = args[0], args[1:]
	}
	if command == "compose" {
		set, err := parseComposeSettings(args)
		if err != nil {
			return misread(err, imageUsage, stdout, stderr)
		}
		return report(set.logger(stderr), step.At("print the compose file", set.write(stdout, stderr)))
	}
	set, err := parseImageSettings(command == "resolve", args, os.LookupEnv)
	if err != nil {
		return misread(err, imageUsage, stdout, stderr)
	}
	set.connect(stdout, stderr)
	switch command {
	case "resolve":
		return report(set.Log, imagemode.Resolve(ctx, set.query()))
	case "check":
		return checkCode(imagecheck.Run(ctx, &set.Options, hint))
	}
	code, err = imagemode.Run(ctx, &set.Options)
	if err != nil {
		return report(set.Log, err)
	}
	return code
}

// checkCode returns the exit code that a launch would end with. What failed, and what to
// do, is printed already.
func checkCode(err error) int {
	if err == nil {
		return 0
	}
	code, _ := advise(err)
	return code
}

func hint(err error) string {
	_, hint := advise(err)
	return hint
}
