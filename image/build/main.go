package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const usage = `Usage: go run ./image/build lock|make|verify|push [flags]    (see image/README.md)
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// options are the flags of all commands.
type options struct {
	arch, suite, version, out, cache, digest, to string
	from                                         mirrors
}

func command(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("which command?\n%s", usage)
	}
	var o options
	fs := flag.NewFlagSet(args[0], flag.ContinueOnError)
	fs.StringVar(&o.arch, "arch", "amd64", "architecture: amd64 or arm64")
	fs.StringVar(&o.suite, "suite", "bookworm", "Debian release, for lock")
	fs.StringVar(&o.version, "version", "(devel)", "version of the programs")
	fs.StringVar(&o.out, "out", "bin/image", "directory of the OCI layouts")
	fs.StringVar(&o.cache, "cache", "", "directory that keeps downloaded packages (default: in the user's cache directory)")
	debian := fs.String("debian-mirror", "http://deb.debian.org/debian", "where Debian's packages come from")
	security := fs.String("security-mirror", "http://deb.debian.org/debian-security", "where its security updates come from")
	if err := fs.Parse(args[1:]); err != nil {
		return err
	}
	o.from = mirrors{"debian": *debian, "debian-security": *security}
	if o.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		o.cache = filepath.Join(dir, "git-launcher-debs")
	}
	lockFile := filepath.Join("image", "debian-"+o.arch+".lock")
	switch args[0] {
	case "lock":
		wanted, err := os.ReadFile(filepath.Join("image", "packages"))
		if err != nil {
			return err
		}
		l, err := update(ctx, o.arch, o.suite, strings.Fields(string(wanted)), o.from, time.Now())
		if err != nil {
			return err
		}
		return os.WriteFile(lockFile, l.Format(), 0o644)
	case "trace":
		l, err := readLock(lockFile)
		if err != nil {
			return err
		}
		if err := fetch(ctx, l, o.from, o.cache); err != nil {
			return err
		}
		tmp, err := os.MkdirTemp("", "git-launcher-image-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		files, err := bootstrap(ctx, l, o.cache, tmp)
		if err != nil {
			return err
		}
		files, err = clean(files, l.Epoch)
		if err != nil {
			return err
		}
		un, err := trace(ctx, l, o.cache, files)
		for _, u := range un {
			fmt.Println(u)
		}
		return err
	}
	return fmt.Errorf("%s is no command\n%s", args[0], usage)
}
