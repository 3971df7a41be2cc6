package main

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	"gitlauncher/internal/imagecheck"
	"gitlauncher/internal/imagemode"
	"gitlauncher/internal/step"
)

// imageCommand runs `git-launcher image …` and returns the exit code.
func imageCommand(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	command, name := "", "image"
	names := []string{"resolve", "compose", "check"}
	if len(args) > 0 && slices.Contains(names, args[0]) {
		command, name, args = args[0], "image "+args[0], args[1:]
	} else if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return misread(name, step.Usagef("image: %s", unknown(args[0], names)), stdout, stderr)
	}
	if command == "compose" {
		set, err := parseComposeSettings(args)
		if err != nil {
			return misread(name, err, stdout, stderr)
		}
		return report(set.logger(stderr), name, step.At("print the compose file", set.write(stdout, stderr)))
	}
	set, err := parseImageSettings(command == "resolve", args, os.LookupEnv)
	if err != nil {
		return misread(name, err, stdout, stderr)
	}
	set.connect(stdout, stderr)
	switch command {
	case "resolve":
		return report(set.Log, name, imagemode.Resolve(ctx, set.query()))
	case "check":
		return checkCode(imagecheck.Run(ctx, &set.Options, hint))
	}
	code, err = imagemode.Run(ctx, &set.Options)
	if err != nil {
		return report(set.Log, name, err)
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
