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

// measureImage extends RTMR3 with the digest and the launch record, once a boot,
// and leaves a receipt. The container does not run yet.
func (l *imageLaunch) measureImage(ctx context.Context, digest oci.Digest, record []byte) error {
	if l.agent == nil {
		return nil
	}
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
	atStage("measured")
	l.log.Info("launch measured", "rtmr3", boot.RTMR3.String(), "events", len(events), "new", emitted)
	return l.receiptOrWarn(l.leaveReceipt(ctx, l.agent, measure.Recorded, record))
}
