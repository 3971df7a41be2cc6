// Command dist makes the archives of a release in bin/dist: for each system the
// programs that run there, their manuals and the licences, and beside the archives
// their checksums. `make dist` runs it. The same source and version make the same
// bytes, so that anyone can compare them with a release's.
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"gitlauncher/internal/compile"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// system is one system that a release is for.
type system struct{ os, arch string }

var systems = []system{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
}

// inTheVM are the programs that run in a confidential VM, and so only on Linux. All
// others are for people's own machines.
var inTheVM = []string{"git-launcher"}

func run(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("dist", flag.ContinueOnError)
	version := fs.String("version", "(devel)", "version that programs and archives are named with")
	out := fs.String("out", "bin/dist", "folder for the archives, made anew")
	man := fs.String("man", "bin/man", "folder of the manuals")
	only := fs.String("only", "", "one system, as linux/amd64")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := os.RemoveAll(*out); err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	for _, s := range systems {
		if *only != "" && *only != s.os+"/"+s.arch {
			continue
		}
		files, err := contents(ctx, s, *version, *man)
		if err != nil {
			return err
		}
		name := "git-launcher-" + *version + "-" + s.os + "-" + s.arch
		if err := pack(filepath.Join(*out, name), name, s.os, files); err != nil {
			return err
		}
		fmt.Println(name)
	}
	return checksums(*out)
}

// file is one file of an archive.
type file struct {
	name string // below the archive's one folder
	mode os.FileMode
	data []byte
}

// runsOn reports whether a program runs on a system.
func runsOn(program, goos string) bool {
	return goos == "linux" || !slices.Contains(inTheVM, program)
}

// contents returns the files for one system, sorted by name.
func contents(ctx context.Context, s system, version, man string) ([]file, error) {
	tmp, err := os.MkdirTemp("", "git-launcher-dist-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	programs, err := os.ReadDir("cmd")
	if err != nil {
		return nil, err
	}
	var files []file
	add := func(name, from string, mode os.FileMode) error {
		data, err := os.ReadFile(from)
		files = append(files, file{name, mode, data})
		return err
	}
	for _, p := range programs {
		if !runsOn(p.Name(), s.os) {
			continue
		}
		name := p.Name()
		if s.os == "windows" {
			name += ".exe"
		}
		to := filepath.Join(tmp, name)
		if err := compile.Program(ctx, compile.Target{OS: s.os, Arch: s.arch, Version: version}, p.Name(), to); err != nil {
			return nil, err
		}
		if err := add(name, to, 0o755); err != nil {
			return nil, err
		}
		// A program without a manual has only its --help.
		if page := filepath.Join(man, p.Name()+".1"); exists(page) && s.os != "windows" {
			if err := add("man/"+p.Name()+".1", page, 0o644); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range []string{"LICENSE", "THIRD-PARTY-LICENSES", "VERIFY.md"} {
		if err := add(name, name, 0o644); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// checksums writes SHA256SUMS in the form that sha256sum --check reads.
func checksums(dir string) error {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(data), e.Name())
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(b.String()), 0o644)
}
