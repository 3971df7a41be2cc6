package main

import (
	"context"
	"errors"
	"fmt"

	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/pinned"
	"gitlauncher/measure"
)

// stopUnmeasured stops the workload's container if it runs without its launch in
// this boot's log: Docker's own restart policies start containers before any
// launcher runs. It comes before everything that can fail.
func (l *imageLaunch) stopUnmeasured(ctx context.Context, name string) error {
	container, err := l.engine.Find(ctx, name)
	if err != nil || container == nil {
		return err
	}
	if container.Running && l.measured && !l.launched(ctx, container.SHA256, container.Image) {
		l.log.Warn("stopping a container that runs and was not measured in this boot", "container", container.String())
		return l.engine.Halt(ctx, container)
	}
	return l.engine.Disarm(ctx, container)
}

// launched reports whether this boot's log holds a launch of a container: the one of
// that description, made of that image.
func (l *imageLaunch) launched(ctx context.Context, sum, image string) bool {
	return l.boot(ctx).Launched(sum, image)
}

// inLog reports whether this boot's log holds exactly this launch.
func (l *imageLaunch) inLog(ctx context.Context, digest oci.Digest, record []byte) bool {
	boot := l.boot(ctx)
	for _, e := range imageEvents(digest, record) {
		if !boot.Holds(e) {
			return false
		}
	}
	return true
}

// boot returns what a log that replays to the register says of this boot; nothing where
// there is no such log, or no TEE.
func (l *imageLaunch) boot(ctx context.Context) measure.Boot {
	if l.agent == nil {
		return measure.Boot{}
	}
	state, err := l.agent.State(ctx)
	if err != nil {
		return measure.Boot{}
	}
	boot, err := state.Boot()
	if err != nil {
		return measure.Boot{}
	}
	return boot
}

// imageEvents are what a launch leaves in RTMR3.
func imageEvents(digest oci.Digest, record []byte) []measure.Event {
	return []measure.Event{
		{Name: measure.EventImageDigest, Payload: digest[:]},
		{Name: measure.EventImageLaunch, Payload: record},
	}
}

// onlyImage requires that this boot's register holds no other image.
func (l *imageLaunch) onlyImage(ctx context.Context, digest oci.Digest) error {
	if l.agent == nil {
		return nil
	}
	boot, err := measure.ReadBoot(ctx, l.agent, sleep)
	if err != nil {
		return err
	}
	return boot.OnlyImage(digest[:])
}

// unboundError is an image whose launch nothing in the registers would speak of.
type unboundError struct{ err error }

func (e *unboundError) Error() string { return "nothing is started: " + e.err.Error() }
func (e *unboundError) Unwrap() error { return e.err }

// bindable requires, before anything is pulled, that the launch can be bound to the
// register: no other image is measured in this boot, and where no event can be recorded
// the measured compose pins this one.
func (l *imageLaunch) bindable(ctx context.Context, digest oci.Digest) error {
	if l.agent == nil {
		return nil
	}
	if err := l.onlyImage(ctx, digest); err != nil {
		return err
	}
	if l.measureBy == measurePinned {
		_, err := l.pinnedImage(ctx, digest)
		return err
	}
	// The agent's version is a hint: its answer to EmitEvent decides, later.
	if version, err := l.agent.Version(ctx); err == nil && recordsNothing(version) {
		_, err := l.unrecorded(ctx, digest, fmt.Errorf("%w: it is dstack %s", measure.ErrNoEmit, version))
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

// unrecorded is what a launch comes to where no event can be recorded: it is pinned by the
// measured compose, or refused.
func (l *imageLaunch) unrecorded(ctx context.Context, digest oci.Digest, cause error) (service string, err error) {
	switch {
	case l.measureBy == measureRecord:
		return "", cause
	case l.opts.approved != approvedNone:
		return "", &unboundError{fmt.Errorf("no event can say which of the approved digests runs, and the file %s can change that at any start: %w", l.opts.approvedFile, cause)}
	}
	return l.pinnedImage(ctx, digest)
}

// pinnedImage requires that the measured compose lets this image run and no other.
func (l *imageLaunch) pinnedImage(ctx context.Context, digest oci.Digest) (service string, err error) {
	if l.opts.approved != approvedNone {
		return "", &unboundError{errors.New("--measure pinned goes with --approved none: a file of approved digests can change what runs")}
	}
	boot, err := measure.ReadBoot(ctx, l.agent, sleep)
	if err != nil {
		return "", err
	}
	if service, err = pinned.ImageByCompose(boot, digest.String()); err != nil {
		return "", &unboundError{err}
	}
	return service, nil
}

// measureImage binds the launch to the register, by events or by the measured compose, and
// leaves a receipt. The container does not run yet.
func (l *imageLaunch) measureImage(ctx context.Context, digest oci.Digest, record []byte) error {
	if l.agent == nil {
		return nil
	}
	binding, err := l.bindImage(ctx, digest, record)
	if err != nil {
		return err
	}
	atStage("measured")
	return l.receiptOrWarn(l.leaveReceipt(ctx, l.agent, binding, record))
}

// bindImage chooses the binding by --measure and by what the guest agent can do.
func (l *imageLaunch) bindImage(ctx context.Context, digest oci.Digest, record []byte) (measure.Binding, error) {
	var service string
	var err error
	if l.measureBy == measurePinned {
		service, err = l.pinnedImage(ctx, digest)
	} else if err = l.recordImage(ctx, digest, record); !errors.Is(err, measure.ErrNoEmit) {
		return measure.Recorded, err
	} else {
		service, err = l.unrecorded(ctx, digest, err)
	}
	if err == nil {
		l.log.Info("launch measured: the measured compose names this image and consults no list, so no other can be launched; no event was recorded",
			"binding", string(measure.Pinned), "service", service)
	}
	return measure.Pinned, err
}

// recordImage extends RTMR3 with the digest and the launch record, once a boot.
func (l *imageLaunch) recordImage(ctx context.Context, digest oci.Digest, record []byte) error {
	if err := l.onlyImage(ctx, digest); err != nil {
		return err
	}
	events := imageEvents(digest, record)
	boot, emitted, err := measure.Emit(ctx, stagedExtender{l.agent}, events, sleep)
	if err != nil {
		return err
	}
	if err := boot.OnlyImage(digest[:]); err != nil { // somebody else may have emitted meanwhile
		return fmt.Errorf("after measuring: %w", err)
	}
	l.log.Info("launch measured", "binding", string(measure.Recorded), "rtmr3", boot.RTMR3.String(), "events", len(events), "new", emitted)
	return nil
}
