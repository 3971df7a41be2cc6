package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"gitlauncher/image/build/debian"
	"gitlauncher/image/build/layer"
)

const usage = `Usage: go run ./image/build COMMAND [flags]    in the top directory of the source

  lock     a new image/debian-ARCH.lock from the newest packages (signatures are checked)
  make     the images, as OCI layouts, with a list of files and an SPDX document each
  verify   make them again and compare with those in -out, or with -image
  push     put one of them (-name) into a registry (-to)
  save     all of them as one archive on standard output, for docker load

Flags:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := command(ctx, os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// architectures lists the values of ARCH for which image/debian-ARCH.lock exists.
var architectures = []string{"amd64", "arm64"}

// options are the flags of all commands.
type options struct {
	arch, suite, version, source, out, cache, image, name, to string
	from                                                      debian.Mirrors
}

func parse(args []string) (string, *options, error) {
	o := new(options)
	fs := flag.NewFlagSet("image/build", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), usage)
		fs.PrintDefaults()
	}
	fs.StringVar(&o.arch, "arch", "amd64", "architecture: amd64 or arm64")
	fs.StringVar(&o.suite, "suite", "bookworm", "lock: Debian release")
	fs.StringVar(&o.version, "version", "(devel)", "version that the programs report and the images' labels have")
	fs.StringVar(&o.source, "source", "", "URL of the source for the images' labels; empty for none")
	fs.StringVar(&o.out, "out", "bin/image", "directory of the OCI layouts")
	fs.StringVar(&o.cache, "cache", "", "directory that keeps downloaded packages (default: in the user's cache directory)")
	fs.StringVar(&o.image, "image", "", "verify: an image in a registry to compare with, by digest")
	fs.StringVar(&o.name, "name", "git-launcher", "verify, push: which image")
	fs.StringVar(&o.to, "to", "", "push: registry/repository:tag")
	packages := fs.String("debian-mirror", "http://deb.debian.org/debian", "where Debian's packages come from")
	security := fs.String("security-mirror", "http://deb.debian.org/debian-security", "where its security updates come from")
	if len(args) == 0 {
		fs.Usage()
		return "", nil, errors.New("which command?")
	}
	if err := fs.Parse(args[1:]); err != nil {
		return "", nil, err
	}
	if fs.NArg() > 0 {
		return "", nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if !slices.Contains(architectures, o.arch) {
		return "", nil, fmt.Errorf("there is no lock for %q: the images, flavours too, are for %s", o.arch, strings.Join(architectures, " and "))
	}
	o.from = debian.Mirrors{"debian": *packages, "debian-security": *security}
	if o.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return "", nil, err
		}
		o.cache = filepath.Join(dir, "git-launcher-debs")
	}
	return args[0], o, nil
}

func command(ctx context.Context, args []string, out io.Writer) error {
	name, o, err := parse(args)
	if err != nil {
		return err
	}
	switch name {
	case "lock":
		return o.lock(ctx)
	case "make":
		return o.make(ctx, out)
	case "verify":
		return o.verify(ctx, out)
	case "push":
		return o.push(ctx, out)
	case "save":
		return o.save(out)
	}
	return fmt.Errorf("%q is not a command", name)
}

func (o *options) lockFile() string { return filepath.Join("image", "debian-"+o.arch+".lock") }

func (o *options) lock(ctx context.Context) error {
	wanted, err := os.ReadFile(filepath.Join("image", "packages"))
	if err != nil {
		return err
	}
	l, err := debian.Update(ctx, o.arch, o.suite, string(wanted), o.from, time.Now())
	if err != nil {
		return err
	}
	return os.WriteFile(o.lockFile(), l.Format(), 0o644)
}

func (o *options) make(ctx context.Context, out io.Writer) error {
	all, err := o.build(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		at := filepath.Join(o.out, b.name)
		if err := writeLayout(at, b.image); err != nil {
			return err
		}
		digest, err := b.image.Digest()
		if err != nil {
			return err
		}
		err = errors.Join(
			os.WriteFile(at+".files", layer.Listing(b.files()), 0o644),
			os.WriteFile(at+".spdx.json", b.sbom, 0o644),
			os.WriteFile(at+".digest", []byte(digest.String()+"\n"), 0o644))
		if err != nil {
			return err
		}
		packed, unpacked, err := sizes(b.image, b.files())
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%-19s %s linux/%s  %.1f MiB to pull, %.1f MiB of %d files, all from pinned sources\n",
			b.name, digest, o.arch, packed, unpacked, len(b.files()))
	}
	_, err = fmt.Fprintf(out, `
Into the Docker of this machine, as %s:%s and the like:
  go run ./image/build save -out %s | docker load
Into a registry, by digest:
  go run ./image/build push -out %[3]s -name %[1]s -to REGISTRY/%[1]s:%[2]s
`, all[0].name, tagOf(o.version), o.out)
	return err
}

// sizes returns the size of the compressed layers and that of the files, in MiB.
func sizes(img v1.Image, files []layer.File) (packed, unpacked float64, err error) {
	layers, err := img.Layers()
	if err != nil {
		return 0, 0, err
	}
	for _, l := range layers {
		n, err := l.Size()
		if err != nil {
			return 0, 0, err
		}
		packed += float64(n) / (1 << 20)
	}
	seen := make(map[string]bool)
	for _, f := range files {
		if !seen[f.Inode] || f.Inode == "" {
			unpacked += float64(len(f.Data)) / (1 << 20)
		}
		seen[f.Inode] = true
	}
	return packed, unpacked, nil
}

// differError says how an image differs from what this source makes.
type differError struct {
	name string
	diff []string
}

func (e *differError) Error() string {
	const most = 50
	shown := e.diff[:min(len(e.diff), most)]
	s := fmt.Sprintf("%s is not what this source makes:\n  %s", e.name, strings.Join(shown, "\n  "))
	if n := len(e.diff) - len(shown); n > 0 {
		s += fmt.Sprintf("\n  and %d more", n)
	}
	return s
}

// verify makes the images again and compares them with those that exist.
func (o *options) verify(ctx context.Context, out io.Writer) error {
	all, err := o.build(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, b := range all {
		if o.image != "" && b.name != o.name {
			continue
		}
		of := filepath.Join(o.out, b.name)
		other, err := readLayout(of)
		if o.image != "" {
			of = o.image
			other, err = pull(ctx, o.image)
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", of, err)
		}
		diff, err := layer.Compare(other, b.image)
		if err != nil {
			return err
		}
		if len(diff) > 0 {
			errs = append(errs, &differError{of, diff})
			continue
		}
		digest, err := b.image.Digest()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%-19s %s  reproduced\n", b.name, digest)
	}
	return errors.Join(errs...)
}
