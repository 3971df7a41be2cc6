package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"gitlauncher/image/build/debian"
	"gitlauncher/image/build/layer"
)

// built is an image with its definition and its SPDX document.
type built struct {
	definition
	image v1.Image
	sbom  []byte
}

// files returns the files that a container sees. A layer's file hides that of a layer below.
func (b *built) files() (files []layer.File) {
	for _, l := range b.layers {
		files = define(files, l.files)
	}
	return files
}

// build makes all images. A file that no pinned source explains is an error.
func (o *options) build(ctx context.Context) ([]built, error) {
	l, err := debian.ReadLock(o.lockFile())
	if err != nil {
		return nil, err
	}
	if l.Arch != o.arch {
		return nil, fmt.Errorf("%s is for %s", o.lockFile(), l.Arch)
	}
	tmp, err := os.MkdirTemp("", "git-launcher-image-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	// mmdebstrap may run as another user, who must be able to read tmp.
	if err := errors.Join(os.Chmod(tmp, 0o755), debian.Fetch(ctx, l.Everything(), o.from, o.cache)); err != nil {
		return nil, err
	}
	systems := make([][]layer.File, 1+len(l.Flavours))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(2, runtime.NumCPU()))
	for i := range systems {
		of := l
		if i > 0 {
			of = l.Of(l.Flavours[i-1])
		}
		g.Go(func() error {
			files, err := debian.Bootstrap(gctx, of, o.cache, filepath.Join(tmp, fmt.Sprintf("system-%d", i)))
			systems[i] = define(debian.Clean(files, l.Epoch), additions(l))
			return err
		})
	}
	var compiled map[string][]byte
	g.Go(func() (err error) {
		compiled, err = programs(gctx, o.arch, o.version, tmp)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := o.explain(ctx, l, systems); err != nil {
		return nil, err
	}
	licences, err := os.ReadFile("THIRD-PARTY-LICENSES")
	if err != nil {
		return nil, err
	}
	var all []built
	for _, d := range definitions(l, systems, compiled, licences) {
		all = append(all, built{definition: d})
	}
	g, _ = errgroup.WithContext(ctx)
	for i := range all {
		g.Go(func() (err error) {
			b := &all[i]
			if b.image, err = b.assemble(o, l.Epoch); err == nil {
				b.sbom, err = b.spdx(l, o.version)
			}
			return err
		})
	}
	return all, g.Wait()
}

// explain finds the origin of every file. systems[0] is in every image. The others are the
// flavours' systems, which it reduces to what each adds to systems[0].
func (o *options) explain(ctx context.Context, l *debian.Lock, systems [][]layer.File) error {
	base := systems[0]
	var all []string
	for i := range systems {
		of, from := l, l.Packages
		if i > 0 {
			f := l.Flavours[i-1]
			of, from = l.Of(f), f.Packages
			own, err := added(base, systems[i])
			if err != nil {
				return fmt.Errorf("flavour %s: %w", f.Name, err)
			}
			systems[i] = own
		}
		unexplained, err := debian.Trace(ctx, of, from, o.cache, systems[i])
		if err != nil {
			return err
		}
		all = append(all, unexplained...)
	}
	if len(all) > 0 {
		return fmt.Errorf("these files did not come from a pinned source:\n  %s", strings.Join(all, "\n  "))
	}
	return debian.Certificates(base)
}

// added returns the files of a system that are not in the layer below it, or not the same
// there.
func added(below, system []layer.File) (own []layer.File, err error) {
	under := make(map[string]*layer.File)
	for i := range below {
		under[below[i].Path] = &below[i]
	}
	for i := range system {
		f := &system[i]
		if u := under[f.Path]; u == nil || !f.Same(u) {
			own = append(own, *f)
		}
		delete(under, f.Path)
	}
	for path := range under {
		return nil, fmt.Errorf("%s is in every image, and would be removed", path)
	}
	return own, nil
}

// define returns files with those of own added. A file of own replaces one of its path.
func define(files, own []layer.File) []layer.File {
	hidden := make(map[string]bool)
	for _, f := range own {
		hidden[f.Path] = true
	}
	files = slices.DeleteFunc(files, func(f layer.File) bool { return hidden[f.Path] })
	return append(files, own...)
}
