// Package compile builds this module's programs so that anyone gets the same bytes: from
// the source tree alone, by the toolchain that go.mod names. No setting of the machine,
// no path and no version control gets in. Images and releases are made with it.
//
// It does not check that the source is the one that somebody audited; building again
// elsewhere and comparing does.
package compile

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
)

// Target is what one build is for.
type Target struct {
	OS, Arch string // as Go calls them
	Version  string // the version that the program says it is
}

// Program builds the program cmd/NAME of the module in the working directory, static
// and without debug information, into the file to.
func Program(ctx context.Context, t Target, name, to string) error {
	settings, err := Settings()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -X gitlauncher/internal/version.release="+t.Version, "-o", to, "./cmd/"+name)
	cmd.Env = append(settings, "CGO_ENABLED=0", "GOOS="+t.OS, "GOARCH="+t.Arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling %s for %s/%s: %w\n%s", name, t.OS, t.Arch, err, out)
	}
	return nil
}

// Settings returns this process's environment with the toolchain that go.mod names, and none
// of the machine's settings for it.
func Settings() ([]string, error) {
	toolchain, err := pinned("go.mod")
	if err != nil {
		return nil, err
	}
	return append(os.Environ(), "GOTOOLCHAIN="+toolchain, "GOAMD64=v1", "GOARM64=v8.0", "GOWASM=",
		"GOFLAGS=-mod=readonly", "GOEXPERIMENT=", "GOWORK=off", "GODEBUG=", "GOFIPS140=off"), nil
}

// pinned returns the toolchain that go.mod names.
func pinned(mod string) (string, error) {
	data, err := os.ReadFile(mod)
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(`(?m)^go (\d+\.\d+\.\d+)$`).FindSubmatch(data)
	if m == nil {
		return "", fmt.Errorf("%s names no exact Go version", mod)
	}
	return "go" + string(m[1]), nil
}
