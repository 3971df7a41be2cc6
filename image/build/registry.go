package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// pull reads an image by its digest.
func pull(ctx context.Context, ref string) (v1.Image, error) {
	d, err := name.NewDigest(ref)
	if err != nil {
		return nil, err
	}
	return remote.Image(d, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
}

// push writes an image of -out to a registry under a tag, and prints its name by digest.
func (o *options) push(ctx context.Context, out io.Writer) error {
	if o.to == "" {
		return errors.New("push needs -to registry/repository:tag")
	}
	tag, err := name.NewTag(o.to, name.StrictValidation)
	if err != nil {
		return err
	}
	img, err := readLayout(filepath.Join(o.out, o.name))
	if err != nil {
		return err
	}
	if err := remote.Write(tag, img, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return err
	}
	digest, err := img.Digest()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, tag.Context().Digest(digest.String()))
	return err
}
