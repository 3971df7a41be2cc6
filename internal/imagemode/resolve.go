package imagemode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/engine"
	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/registry"
	"gitlauncher/internal/step"
)

// Query is a question for an image's digests.
type Query struct {
	Reference       string // NAME[:TAG][@DIGEST]
	Target          oci.Platform
	Mirrors         []string      // of Docker Hub, besides the Docker Engine's
	Docker          string        // the Engine's socket
	EngineTimeout   time.Duration // one call
	RegistryTimeout time.Duration // one request
	JSON            bool          // whether the answer is JSON
	Stdout          io.Writer
	Log             *slog.Logger
}

// Resolve prints what a person needs to vote for an image: the digests of index, platform
// manifest and config, all proven by their bytes. Errors are *[step.Error].
func Resolve(ctx context.Context, q *Query) error {
	return step.At("resolve the image", q.resolve(ctx))
}

func (q *Query) resolve(ctx context.Context) error {
	reference, pinned, isPinned := strings.Cut(q.Reference, "@")
	name, err := oci.ParseName(reference)
	if err != nil {
		return step.Usagef("%.200q %v", reference, err)
	}
	client, err := registry.Open(ctx, name, registry.Options{Timeout: q.RegistryTimeout, Mirrors: q.mirrors(ctx), Log: q.Log})
	if err != nil {
		return err
	}
	var digest oci.Digest
	if isPinned {
		if digest, err = oci.ParseDigest(pinned); err != nil {
			return step.Usagef("the digest %v", err)
		}
	} else {
		tag := name.Tag()
		if tag == "" {
			tag = "latest"
		}
		data, err := client.Tagged(ctx, tag)
		if err != nil {
			return err
		}
		digest = oci.Sum(data)
	}
	image, err := imagepin.Resolve(ctx, client, name, digest, q.Target)
	if err != nil {
		return imagepin.Explain(ctx, client, name, digest, q.Target, err)
	}
	return q.print(image)
}

// mirrorsTimeout bounds the question for mirrors, which a resolve can do without.
const mirrorsTimeout = 10 * time.Second

// mirrors returns the registry mirrors to ask: those on the command line, and those of
// the Docker Engine, or of its configuration if it does not run.
func (q *Query) mirrors(ctx context.Context) []string {
	e, err := engine.Connect(ctx, q.Docker, min(q.EngineTimeout, mirrorsTimeout), q.Log)
	if err == nil {
		defer e.Close()
		return append(q.Mirrors, e.Mirrors()...)
	}
	configured, configErr := registry.ConfiguredMirrors(registry.DaemonConfig)
	if configErr != nil {
		q.Log.Warn("the Docker Engine's registry mirrors are not known", "error", errors.Join(err, configErr).Error())
	}
	return append(q.Mirrors, configured...)
}

func (q *Query) print(image *imagepin.Image) error {
	index := ""
	if len(image.Indexes) > 0 {
		index = image.Indexes[0].String()
	}
	fields := []struct{ key, value string }{
		{"image", image.Name.String()}, {"platform", image.Platform.String()}, {"index", index},
		{"manifest", image.Manifest.String()}, {"config", image.ConfigID.String()},
	}
	if q.JSON {
		m := make(map[string]string)
		for _, f := range fields {
			m[f.key] = f.value
		}
		return json.NewEncoder(q.Stdout).Encode(m)
	}
	for _, f := range fields {
		value := f.value
		if value == "" {
			value = "none"
		}
		if _, err := fmt.Fprintf(q.Stdout, "%-9s %s\n", f.key, value); err != nil {
			return err
		}
	}
	return nil
}
