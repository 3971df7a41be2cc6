package imagepin

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path"

	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/atomicfile"
	"gitlauncher/internal/regularfile"
)

// ownFolder is the launcher's folder in the shared volume. It has documents and the lock.
const ownFolder = ".git-launcher"

// Cached is a [Source] that keeps the documents of another one in the shared volume. So an
// image that the Engine has can start while the registry is down. The workload writes to
// that volume, too, so a document from it is hashed like one from a registry.
type Cached struct {
	Source
	Shared *os.Root
	Log    *slog.Logger
}

// Manifest implements [Source].
func (c *Cached) Manifest(ctx context.Context, d oci.Digest) ([]byte, error) {
	return c.get(ctx, d, c.Source.Manifest)
}

// Blob implements [Source].
func (c *Cached) Blob(ctx context.Context, d oci.Digest) ([]byte, error) {
	return c.get(ctx, d, c.Source.Blob)
}

func (c *Cached) get(ctx context.Context, d oci.Digest, fetch func(context.Context, oci.Digest) ([]byte, error)) ([]byte, error) {
	name := path.Join(ownFolder, d.Hex())
	if data, err := regularfile.ReadIn(c.Shared, name, oci.MaxDocument); err == nil && oci.Sum(data) == d {
		return data, nil
	}
	data, err := fetch(ctx, d)
	if err != nil || oci.Sum(data) != d {
		return data, err // the caller hashes it, and reports what is wrong
	}
	if err := c.Shared.MkdirAll(ownFolder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		c.Log.Warn("can't keep a document of the image; a restart needs the registry", "error", err.Error())
	} else if err := atomicfile.WriteIn(c.Shared, name, data, 0o600); err != nil {
		c.Log.Warn("can't keep a document of the image; a restart needs the registry", "error", err.Error())
	}
	return data, nil
}
