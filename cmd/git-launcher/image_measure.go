package main

import (
	"context"
	"fmt"

	"gitlauncher/imagepin/oci"
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
	for _, e := range l.replayed(ctx) {
		if e.Name != measure.EventImageLaunch {
			continue
		}
		r, err := measure.ParseImageRecord(e.Payload)
		if err == nil && r.ContainerSHA256 == sum && r.Image+"@"+r.ApprovedDigest == image {
			return true
		}
	}
	return false
}

// inLog reports whether this boot's log holds exactly this launch.
func (l *imageLaunch) inLog(ctx context.Context, digest oci.Digest, record []byte) bool {
	image, launch := measure.Event{Name: measure.EventImageDigest, Payload: digest[:]}, measure.Event{Name: measure.EventImageLaunch, Payload: record}
	var hasImage, hasLaunch bool
	for _, e := range l.replayed(ctx) {
		hasImage = hasImage || e.Equal(image)
		hasLaunch = hasLaunch || e.Equal(launch)
	}
	return hasImage && hasLaunch
}

// replayed gives the events after system-ready, of a log that replays to the
// register; none where there is no such log, or no TEE.
func (l *imageLaunch) replayed(ctx context.Context) []measure.Runtime {
	if l.agent == nil {
		return nil
	}
	state, err := l.agent.State(ctx)
	if err != nil {
		return nil
	}
	events, err := state.Log.Replay()
	if err != nil || measure.End(events) != state.RTMR3 {
		return nil
	}
	after, _ := measure.AfterReady(events)
	return after
}

// onlyImage demands that this boot's register holds no other image.
func (l *imageLaunch) onlyImage(ctx context.Context, digest oci.Digest) error {
	if l.agent == nil {
		return nil
	}
	state, _, err := measure.Emit(ctx, l.agent, nil, sleep) // emits nothing: reads a log that replays
	if err != nil {
		return err
	}
	return onlyIn(state, digest)
}

func onlyIn(state measure.State, digest oci.Digest) error {
	events, err := state.Log.Replay()
	if err != nil {
		return err
	}
	return measure.OnlyImage(events, digest[:])
}

// measureImage extends RTMR3 with the digest and the launch record, once a boot,
// and leaves a receipt. The container does not run yet.
func (l *imageLaunch) measureImage(ctx context.Context, digest oci.Digest, record []byte) error {
	if l.agent == nil {
		return nil
	}
	events := []measure.Event{
		{Name: measure.EventImageDigest, Payload: digest[:]},
		{Name: measure.EventImageLaunch, Payload: record},
	}
	if err := l.onlyImage(ctx, digest); err != nil {
		return err
	}
	state, emitted, err := measure.Emit(ctx, stagedExtender{l.agent}, events, sleep)
	if err != nil {
		return err
	}
	if err := onlyIn(state, digest); err != nil { // somebody else may have emitted meanwhile
		return fmt.Errorf("after measuring: %w", err)
	}
	atStage("measured")
	l.log.Info("launch measured", "rtmr3", state.RTMR3.String(), "events", len(events), "new", emitted)
	return l.receiptOrWarn(l.leaveReceipt(ctx, l.agent, record))
}
