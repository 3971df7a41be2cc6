package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// pkg is what `go list` says about a package.
type pkg struct {
	ImportPath, Dir string
	GoFiles         []string
	Imports         []string
	TestImports     []string
	XTestImports    []string
	TestGoFiles     []string
	XTestGoFiles    []string
}

func list(ctx context.Context, patterns ...string) ([]pkg, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports,TestGoFiles,XTestGoFiles"}, patterns...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			return nil, err
		}
		pkgs = append(pkgs, p)
	}
	return pkgs, nil
}

// fate is what became of a mutant.
type fate int

const (
	survived  fate = iota
	killed         // a test failed
	endless        // the tests took too long: killed, or the machine is busy
	stillborn      // it does not compile
)

// trial runs tests against one changed file.
type trial struct {
	dir     string // for the changed file and the overlay
	timeout time.Duration
	own     bool  // run only the tests of the changed package
	all     []pkg // of the module
	slow    []string
}

// run tries a mutant of a package's file: first the package's own tests, then those of
// the packages that use it.
func (t *trial) run(ctx context.Context, m *mutant, p *pkg, source []byte) (fate, error) {
	changed := filepath.Join(t.dir, "changed.go")
	if err := os.WriteFile(changed, m.apply(source), 0o600); err != nil {
		return 0, err
	}
	real, err := filepath.Abs(m.file)
	if err != nil {
		return 0, err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{real: changed}})
	if err != nil {
		return 0, err
	}
	overlayFile := filepath.Join(t.dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		return 0, err
	}
	for i, tests := range [][]string{{p.ImportPath}, t.users(p)} {
		if len(tests) == 0 || i > 0 && t.own {
			continue
		}
		if f, err := t.test(ctx, overlayFile, tests); f != survived || err != nil {
			return f, err
		}
	}
	return survived, nil
}

// users returns the packages with tests that import a package.
func (t *trial) users(p *pkg) (users []string) {
	for _, u := range t.all {
		if u.ImportPath == p.ImportPath || len(u.TestGoFiles)+len(u.XTestGoFiles) == 0 || slices.ContainsFunc(t.slow, func(s string) bool { return strings.HasSuffix(u.ImportPath, s) }) {
			continue
		}
		if slices.Contains(u.Imports, p.ImportPath) || slices.Contains(u.TestImports, p.ImportPath) || slices.Contains(u.XTestImports, p.ImportPath) {
			users = append(users, u.ImportPath)
		}
	}
	return users
}

func (t *trial) test(ctx context.Context, overlay string, pkgs []string) (fate, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-failfast", "-vet=off", "-timeout=" + t.timeout.String()}, pkgs...)...)
	// The overlay is in the environment, so that a test that builds a program builds
	// the changed one.
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false -overlay="+overlay)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return survived, nil
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return 0, ctx.Err()
	case bytes.Contains(out, []byte("[build failed]")):
		return stillborn, nil
	case bytes.Contains(out, []byte("panic: test timed out")) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return endless, nil
	case errors.As(err, &exit):
		return killed, nil
	}
	return 0, err
}
