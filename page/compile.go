package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// logger is a library of the quote's verifier that does not build for a browser, since
// it lacks one function there: the system's log. It is built from its source and that
// function. (An overlay would be simpler, but go build accepts none for another
// module's files.)
const logger = "github.com/google/logger"

//go:embed shim/logger.go.txt
var shim []byte

// work is where the library's copy lies, below the module's root: go build records the
// path of what replaces a module, and that must be the same everywhere.
const work = "bin/page.work"

// compile returns the verifier as WebAssembly.
func compile(ctx context.Context, version string) (_ []byte, err error) {
	if _, err := os.Stat("go.mod"); err != nil {
		return nil, fmt.Errorf("run this in the module's root: %w", err)
	}
	if err := os.RemoveAll(work); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := shimmed(ctx); err != nil {
		return nil, err
	}
	module, err := output(ctx, "go", "list", "-m")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(work, "page.wasm")
	flags := fmt.Sprintf("-s -w -X '%s/internal/version.release=%s'", module, version)
	_, err = output(ctx, "env", "GOOS=js", "GOARCH=wasm", "go", "build", "-modfile", filepath.Join(work, "go.mod"),
		"-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", program, "./page/wasm")
	if err != nil {
		return nil, err
	}
	return os.ReadFile(program)
}

// shimmed writes the library with its missing function, and a go.mod that uses it.
func shimmed(ctx context.Context) error {
	dir, err := output(ctx, "go", "list", "-m", "-f", "{{.Dir}}", logger)
	if err != nil {
		return err
	}
	into := filepath.Join(work, "logger")
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	files, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		return err
	}
	for _, name := range append(files, "go.mod") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if err := copyFile(filepath.Join(dir, name), filepath.Join(into, name)); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(into, "logger_js.go"), shim, 0o644); err != nil {
		return err
	}
	if err := copyFile("go.sum", filepath.Join(work, "go.sum")); err != nil {
		return err
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return err
	}
	mod = fmt.Appendf(mod, "\nreplace %s => ./%s\n", logger, filepath.ToSlash(into))
	return os.WriteFile(filepath.Join(work, "go.mod"), mod, 0o644)
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
