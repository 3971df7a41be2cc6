package imagemode

import (
	"context"
	"errors"
	"fmt"

	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/guest"
	"gitlauncher/internal/pinned"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// onlyImage requires that this boot's register holds no other image.
func (o *Options) onlyImage(ctx context.Context, agent measure.Reader, digest oci.Digest) error {
	boot, err := measure.ReadBoot(ctx, agent, o.Sleep)
	if err != nil {
		return err
	}
	return boot.OnlyImage(digest[:])
}

// UnboundError says why nothing in the registers would tell of an image's launch.
type UnboundError struct{ Err error }

func (e *UnboundError) Error() string { return "nothing is started: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *UnboundError) Unwrap() error { return e.Err }

// Bindable requires, before anything is pulled, that the launch can be bound to the
// register: no other image is measured in this boot, and if no event can be recorded,
// the measured compose pins this one. A nil agent binds nothing.
func (o *Options) Bindable(ctx context.Context, agent *dstack.Client, digest oci.Digest) error {
	if agent == nil {
		return nil
	}
	if err := o.onlyImage(ctx, agent, digest); err != nil {
		return err
	}
	if o.Guest.Way == guest.Pinned {
		_, err := o.pinned(ctx, agent, digest)
		return err
	}
	// The agent's version is a hint: its answer to EmitEvent decides, later.
	if version, err := agent.Version(ctx); err == nil && recordsNothing(version) {
		_, err := o.unrecorded(ctx, agent, digest, fmt.Errorf("%w: it is dstack %s", measure.ErrNoEmit, version))
		return err
	}
	return nil
}

// recordsNothing reports whether a version is one of dstack 0.6 or later.
func recordsNothing(version string) bool {
	var major, minor int
	n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor)
	return n == 2 && (major > 0 || minor >= 6)
}

// unrecorded decides on a launch when no event can be recorded: it is pinned by the
// measured compose, or refused.
func (o *Options) unrecorded(ctx context.Context, agent measure.Reader, digest oci.Digest, cause error) (service string, err error) {
	switch {
	case o.Guest.Way == guest.Record:
		return "", cause
	case !o.NoApproved:
		return "", &UnboundError{fmt.Errorf("no event can say which of the approved digests runs, and the file %s can change that at any start: %w", o.ApprovedFile, cause)}
	}
	return o.pinned(ctx, agent, digest)
}

// pinned requires that the measured compose lets this image run and no other.
func (o *Options) pinned(ctx context.Context, agent measure.Reader, digest oci.Digest) (service string, err error) {
	if !o.NoApproved {
		return "", &UnboundError{errors.New("--measure pinned goes with --approved none: a file of approved digests can change what runs")}
	}
	boot, err := measure.ReadBoot(ctx, agent, o.Sleep)
	if err != nil {
		return "", err
	}
	if service, err = pinned.ImageByCompose(boot, digest.String()); err != nil {
		return "", &UnboundError{err}
	}
	return service, nil
}

// bind chooses the binding by --measure and by what the guest agent can do.
func (o *Options) bind(ctx context.Context, agent measure.Extender, digest oci.Digest, record []byte) (measure.Binding, error) {
	var service string
	var err error
	if o.Guest.Way == guest.Pinned {
		service, err = o.pinned(ctx, agent, digest)
	} else if err = o.record(ctx, agent, digest, record); !errors.Is(err, measure.ErrNoEmit) {
		return measure.Recorded, err
	} else {
		service, err = o.unrecorded(ctx, agent, digest, err)
	}
	if err == nil {
		o.Log.Info("launch measured: the measured compose names this image and consults no list, so no other can be launched; no event was recorded",
			"binding", string(measure.Pinned), "service", service)
	}
	return measure.Pinned, err
}

// record extends RTMR3 with the digest and the launch record, once a boot.
func (o *Options) record(ctx context.Context, agent measure.Extender, digest oci.Digest, record []byte) error {
	if err := o.onlyImage(ctx, agent, digest); err != nil {
		return err
	}
	return o.Guest.Emit(ctx, agent, events(digest, record), func(boot measure.Boot) error {
		if err := boot.OnlyImage(digest[:]); err != nil { // somebody else may have emitted meanwhile
			return fmt.Errorf("after measuring: %w", err)
		}
		return nil
	})
}
