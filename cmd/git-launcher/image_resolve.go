package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/engine"
	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/registry"
)

// resolve prints what a person needs to vote for an image: the digests of index,
// platform manifest and config, all proven by their bytes.
func (l *imageLaunch) resolve(ctx context.Context) error {
	const step = "resolve the image"
	reference, pinned, isPinned := strings.Cut(l.opts.args[0], "@")
	name, err := oci.ParseName(reference)
	if err != nil {
		return at(step, &usageError{fmt.Sprintf("%.200q %v", reference, err)})
	}
	client, err := registry.Open(ctx, name, registry.Options{Timeout: l.opts.registry, Mirrors: l.mirrors(ctx), Log: l.log})
	if err != nil {
		return at(step, err)
	}
	var digest oci.Digest
	if isPinned {
		if digest, err = oci.ParseDigest(pinned); err != nil {
			return at(step, &usageError{"the digest " + err.Error()})
		}
	} else {
		tag := name.Tag()
		if tag == "" {
			tag = "latest"
		}
		data, err := client.Tagged(ctx, tag)
		if err != nil {
			return at(step, err)
		}
		digest = oci.Sum(data)
	}
	image, err := imagepin.Resolve(ctx, client, name, digest, l.opts.target)
	if err != nil {
		return at(step, imagepin.Explain(ctx, client, name, digest, l.opts.target, err))
	}
	return at(step, l.print(image))
}

// mirrorsTimeout bounds the question for mirrors, which a resolve can do without.
const mirrorsTimeout = 10 * time.Second

// mirrors are the registry mirrors to ask: those on the command line, and those of the
// Docker Engine that is there, or of its configuration where it does not run.
func (l *imageLaunch) mirrors(ctx context.Context) []string {
	e, err := engine.Connect(ctx, l.opts.dockerSocket, min(l.opts.engine, mirrorsTimeout), l.log)
	if err == nil {
		defer e.Close()
		return append(l.opts.mirrors, e.Mirrors()...)
	}
	configured, configErr := registry.ConfiguredMirrors(registry.DaemonConfig)
	if configErr != nil {
		l.log.Warn("the Docker Engine's registry mirrors are not known", "error", errors.Join(err, configErr).Error())
	}
	return append(l.opts.mirrors, configured...)
}

func (l *imageLaunch) print(image *imagepin.Image) error {
	index := ""
	if len(image.Indexes) > 0 {
		index = image.Indexes[0].String()
	}
	fields := []struct{ key, value string }{
		{"image", image.Name.String()}, {"platform", image.Platform.String()}, {"index", index},
		{"manifest", image.Manifest.String()}, {"config", image.ConfigID.String()},
	}
	if l.opts.json {
		m := make(map[string]string)
		for _, f := range fields {
			m[f.key] = f.value
		}
		return json.NewEncoder(l.stdout).Encode(m)
	}
	for _, f := range fields {
		value := f.value
		if value == "" {
			value = "none"
		}
		if _, err := fmt.Fprintf(l.stdout, "%-9s %s\n", f.key, value); err != nil {
			return err
		}
	}
	return nil
}
