package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/jsonstream"
	registrytypes "github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/registry"
	"gitlauncher/imagepin/userconfig"
)

// progressEvery is the time between two lines in the log about a pull.
const progressEvery = 5 * time.Second

// Puller is what a pull needs besides the Engine.
type Puller struct {
	Registry *registry.Client // has the credential
	Policy   userconfig.Pull
	Stall    time.Duration // how long the Engine may report no progress
	Log      *slog.Logger
	Sleep    registry.Sleep
}

// Pull has the Engine fetch name@digest for the image's platform. It tries again after
// network faults, and in the end requires that the Engine has the proven image. Errors:
// *[registry.Error], *[Error], *[imagepin.ProofError].
func (e *Engine) Pull(ctx context.Context, image *imagepin.Image, p Puller) error {
	p.Log.Info("pulling", "image", image.Reference(), "platform", image.Platform.String())
	start := time.Now()
	err := registry.Retry(ctx, p.Policy, p.Log, p.Sleep, func() error { return e.pullOnce(ctx, image, p) })
	if err != nil {
		return err
	}
	if err := e.Verify(ctx, image); err != nil {
		return err
	}
	p.Log.Info("pulled and proven", "image", image.Reference(), "took", time.Since(start).Round(time.Millisecond))
	return nil
}

var errStalled = errors.New("the pull makes no progress")

func (e *Engine) pullOnce(ctx context.Context, image *imagepin.Image, p Puller) error {
	auth, err := engineAuth(p.Registry, image.Name.Domain())
	if err != nil {
		return err
	}
	options := client.ImagePullOptions{RegistryAuth: auth, Platforms: []ocispec.Platform{{
		OS: image.Platform.OS, Architecture: image.Platform.Architecture, Variant: image.Platform.Variant,
	}}}
	watched, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	life := time.AfterFunc(p.Stall, func() { cancel(errStalled) })
	defer life.Stop()
	fail := func(err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(context.Cause(watched), errStalled) {
			return &registry.Error{Reference: image.Reference(), Doing: "pulling", Reason: registry.Stalled, Text: fmt.Sprintf("no progress within %v", p.Stall)}
		}
		return pullError(image.Reference(), err, p.Registry.Redact)
	}
	stream, err := e.api.ImagePull(watched, image.Reference(), options)
	if err != nil {
		return fail(err)
	}
	defer stream.Close()
	layers := newProgress(p.Log)
	for m, err := range stream.JSONMessages(watched) {
		life.Reset(p.Stall)
		if err != nil {
			return fail(err)
		}
		if m.Error != nil {
			return fail(m.Error)
		}
		layers.note(m)
	}
	if watched.Err() != nil {
		return fail(context.Cause(watched))
	}
	return nil
}

// engineAuth returns a registry's credential as the Engine takes it, or "" for none.
func engineAuth(c *registry.Client, domain string) (string, error) {
	a := c.Credential()
	if a.Username == "" && a.Password == "" && a.Auth == "" && a.IdentityToken == "" && a.RegistryToken == "" {
		return "", nil
	}
	return authconfig.Encode(registrytypes.AuthConfig{
		Username: a.Username, Password: a.Password, Auth: a.Auth, IdentityToken: a.IdentityToken, RegistryToken: a.RegistryToken,
		ServerAddress: domain,
	})
}

// pullError tells the Engine's own failures from the registry's. Often only the text tells
// them apart; a test against a real Engine and registry pins the texts.
func pullError(reference string, err error, redact func(string) string) error {
	text := err.Error()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &Error{"pulling", Died, "it broke the connection"}
	case client.IsErrConnectionFailed(err):
		return &Error{"pulling", Absent, redact(text)}
	case textReason(text) == DiskFull:
		return &Error{"pulling", DiskFull, redact(text)}
	}
	text = strings.TrimPrefix(text, "Error response from daemon: ")
	reason := registry.Unreachable
	holds := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(strings.ToLower(text), p) {
				return true
			}
		}
		return false
	}
	switch {
	case holds("verification failed", "unexpected commit digest"):
		return &imagepin.ProofError{Reference: reference, Reason: redact(text)}
	case holds("toomanyrequests", "too many requests", "status: 429"):
		reason = registry.RateLimited
	case cerrdefs.IsUnauthorized(err), cerrdefs.IsPermissionDenied(err), holds("unauthorized", "denied", "no basic auth credentials", "authentication required"):
		reason = registry.Denied
	case cerrdefs.IsNotFound(err), holds("manifest unknown", "not found", "does not exist"):
		reason = registry.NotFound
	case holds("x509", "certificate"):
		reason = registry.Untrusted
	}
	return &registry.Error{Reference: reference, Doing: "pulling", Reason: reason, Text: redact(text)}
}

// progress adds up what the Engine reports about each layer.
type progress struct {
	log    *slog.Logger
	next   time.Time
	layers map[string]layer
}

type layer struct {
	current, total int64
	done           bool
}

func newProgress(log *slog.Logger) *progress {
	return &progress{log, time.Now().Add(progressEvery), make(map[string]layer)}
}

func (p *progress) note(m jsonstream.Message) {
	if m.ID == "" || strings.HasPrefix(m.Status, "Pulling from") {
		return
	}
	l := p.layers[m.ID]
	if m.Progress != nil && m.Status == "Downloading" {
		l.current, l.total = m.Progress.Current, m.Progress.Total
	}
	l.done = l.done || m.Status == "Pull complete" || m.Status == "Already exists"
	p.layers[m.ID] = l
	if time.Now().Before(p.next) {
		return
	}
	p.next = time.Now().Add(progressEvery)
	var done int
	var bytes, total int64
	for _, l := range p.layers {
		bytes, total = bytes+l.current, total+l.total
		if l.done {
			done++
		}
	}
	p.log.Info("pulling", "layers", fmt.Sprintf("%d of %d", done, len(p.layers)), "MB", fmt.Sprintf("%d of %d", bytes/1e6, total/1e6))
}
