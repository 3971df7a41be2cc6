package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/engine/container"
	"gitlauncher/internal/printable"
)

// Engine is the Docker Engine of this VM. It is part of the measured system, so what it
// says about itself is believed. Its image is proven all the same, because anyone who
// reached the Engine before may have given it another.
type Engine struct {
	api         *client.Client
	timeout     time.Duration // of one call
	log         *slog.Logger
	traits      container.Traits
	mirrors     []string
	about, root string
}

// Connect connects to the Engine at a socket's absolute path. No environment variable
// leads it elsewhere. timeout is for one call. The error is an *[Error].
func Connect(ctx context.Context, socket string, timeout time.Duration, log *slog.Logger) (*Engine, error) {
	const doing = "connecting to it"
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return nil, &Error{doing, Absent, "there is no socket at " + socket}
	}
	api, err := client.New(client.WithHost("unix://" + socket))
	if err != nil {
		return nil, &Error{doing, Absent, printable.Line(err.Error())}
	}
	e := &Engine{api: api, timeout: timeout, log: log}
	about, err := call(ctx, e, doing, func(ctx context.Context) (client.SystemInfoResult, error) {
		return api.Info(ctx, client.InfoOptions{})
	})
	if err != nil {
		return nil, err
	}
	e.traits.Runtime, e.traits.LogDriver = about.Info.DefaultRuntime, about.Info.LoggingDriver
	e.traits.CgroupNS = slices.Contains(about.Info.SecurityOptions, "name=cgroupns")
	if c := about.Info.RegistryConfig; c != nil {
		e.mirrors = c.Mirrors
		if hub := c.IndexConfigs["docker.io"]; len(e.mirrors) == 0 && hub != nil {
			e.mirrors = hub.Mirrors
		}
	}
	for _, s := range about.Info.DriverStatus {
		// Docker's own tools make the same test: nothing else tells the stores apart.
		if s[0] == "driver-type" && s[1] == "io.containerd.snapshotter.v1" {
			e.traits.Containerd = true
		}
	}
	e.root = about.Info.DockerRootDir
	e.about = fmt.Sprintf("version %s, API %s, %s store", printable.Line(about.Info.ServerVersion), api.ClientVersion(), map[bool]string{true: "containerd's", false: "classic"}[e.traits.Containerd])
	log.Debug("Docker Engine", "version", about.Info.ServerVersion, "api", api.ClientVersion(), "containerd_store", e.traits.Containerd)
	return e, nil
}

// Mirrors returns the addresses of the Engine's mirrors of Docker Hub, in its order.
func (e *Engine) Mirrors() []string { return e.mirrors }

// Close closes the connection.
func (e *Engine) Close() error { return e.api.Close() }

// call makes one call with the Engine's timeout, and classifies its error.
func call[T any](ctx context.Context, e *Engine, doing string, do func(context.Context) (T, error)) (T, error) {
	bounded, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	v, err := do(bounded)
	if err != nil {
		return v, e.classify(ctx, bounded, doing, err)
	}
	return v, nil
}

// classify turns an error of the client into an *[Error]. ctx is the caller's context, and
// bounded the one with the call's deadline. Where ctx has ended, classify returns its cause.
func (e *Engine) classify(ctx, bounded context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx) // a signal, not the Engine
	}
	reason, text := Failed, strings.TrimPrefix(err.Error(), "Error response from daemon: ")
	switch {
	case bounded.Err() != nil:
		reason, text = Hung, fmt.Sprintf("no answer within %v", e.timeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		reason, text = Died, "it broke the connection"
	case client.IsErrConnectionFailed(err):
		reason = Absent
	default:
		reason = textReason(text)
	}
	return &Error{doing, reason, printable.Line(text)}
}

// textReason recognises the failures that only the Engine's text tells apart. A test
// against a real Engine pins the texts.
func textReason(text string) Reason {
	for _, known := range []struct {
		text   string
		reason Reason
	}{
		{"no space left on device", DiskFull},
		{"disk quota exceeded", DiskFull},
		{"port is already allocated", PortTaken},
		{"address already in use", PortTaken},
		{"is already in use by container", NameTaken},
		{"No such image", NoImage},
		{"No such container", NoContainer},
	} {
		if strings.Contains(text, known.text) {
			return known.reason
		}
	}
	if strings.HasPrefix(text, "network ") && strings.HasSuffix(text, " not found") {
		return NoNetwork
	}
	return Failed
}

// is reports whether an error is an *[Error] with that reason.
func is(err error, reason Reason) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == reason
}

// Verify requires that the Engine's image of the name name@digest is the proven one. The id
// that the Engine has for an image depends on its store. It is the config's digest, or with
// containerd's store the digest that was pulled, of an index or a manifest. RepoDigests
// prove nothing: there may be none or many. Errors: *[Error] (with [NoImage] where there is
// no such image), *[imagepin.ProofError].
func (e *Engine) Verify(ctx context.Context, image *imagepin.Image) error {
	ref := image.Reference()
	local, err := call(ctx, e, "looking at the image", func(ctx context.Context) (client.ImageInspectResult, error) {
		r, err := e.api.ImageInspect(ctx, ref)
		if cerrdefs.IsNotFound(err) {
			err = errors.New("No such image: " + ref)
		}
		return r, err
	})
	if err != nil {
		return err
	}
	return e.traits.Proves(image, local.ID)
}
