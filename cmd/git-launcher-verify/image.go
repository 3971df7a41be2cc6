package main

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"gitlauncher/internal/digest"
	"gitlauncher/internal/images"
	"gitlauncher/verify/app"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/derivedimage"
	"gitlauncher/verify/evidence"
)

// derivedImage judges the launcher's image against the base that the policy expects, with
// the images that --image names. nil: the policy has no base, or no image is given.
func (s *settings) derivedImage(ctx context.Context, e *evidence.Evidence) *app.Derived {
	if !s.policy.LauncherBaseDigest.Given() || len(s.images) == 0 {
		return nil
	}
	r, err := compose.Judge(ctx, e.AppCompose, compose.Expect{LauncherDigests: s.policy.LauncherImageDigest.Texts(), Allow: s.policy.AllowCompose.Texts()})
	if err != nil {
		return nil // the report says so
	}
	of, err := digest.Parse(r.ImageDigest)
	if err != nil {
		return nil // the report says so
	}
	d := &app.Derived{Image: of}
	image, own, err := images.Find(ctx, s.images, of)
	if err != nil {
		d.Err = err
		return d
	}
	for _, base := range s.policy.LauncherBaseDigest.Values() {
		d.Base = base
		var from v1.Image
		var ownBase digest.SHA256
		if from, ownBase, d.Err = images.Find(ctx, s.images, base); d.Err != nil {
			continue
		}
		if d.Config, d.Err = derivedimage.Judge(image, from, own, ownBase); d.Err == nil {
			break
		}
	}
	return d
}
