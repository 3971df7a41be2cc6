package imagemode

import (
	"context"

	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/receipt"
	"gitlauncher/internal/stage"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// stopUnmeasured stops the workload's container if it runs without its launch in
// this boot's log: Docker's own restart policies start containers before any
// launcher runs. It comes before everything that can fail.
func (l *launch) stopUnmeasured(ctx context.Context, name string) error {
	container, err := l.engine.Find(ctx, name)
	if err != nil || container == nil {
		return err
	}
	if container.Running && l.Guest.Measured && !Launched(ctx, l.agent, container.SHA256, container.Image) {
		l.Log.Warn("stopping a container that runs and was not measured in this boot", "container", container.String())
		return l.engine.Halt(ctx, container)
	}
	return l.engine.Disarm(ctx, container)
}

// Launched reports whether this boot's log holds a launch of a container: the one of that
// description, made of that image. A nil agent knows of none.
func Launched(ctx context.Context, agent *dstack.Client, sum, image string) bool {
	return thisBoot(ctx, agent).Launched(sum, image)
}

// inLog reports whether this boot's log holds exactly this launch.
func (l *launch) inLog(ctx context.Context, digest oci.Digest, record []byte) bool {
	boot := thisBoot(ctx, l.agent)
	for _, e := range events(digest, record) {
		if !boot.Holds(e) {
			return false
		}
	}
	return true
}

// thisBoot returns what a log that replays to the register says of this boot, or a zero
// Boot if there is no such log, or no TEE.
func thisBoot(ctx context.Context, agent *dstack.Client) measure.Boot {
	if agent == nil {
		return measure.Boot{}
	}
	state, err := agent.State(ctx)
	if err != nil {
		return measure.Boot{}
	}
	boot, err := state.Boot()
	if err != nil {
		return measure.Boot{}
	}
	return boot
}

// events returns what a launch leaves in RTMR3.
func events(digest oci.Digest, record []byte) []measure.Event {
	return []measure.Event{
		{Name: measure.EventImageDigest, Payload: digest[:]},
		{Name: measure.EventImageLaunch, Payload: record},
	}
}

// measure binds the launch to the register, by events or by the measured compose, and
// leaves a receipt. The container does not run yet.
func (l *launch) measure(ctx context.Context, digest oci.Digest, record []byte) error {
	if l.agent == nil {
		return nil
	}
	binding, err := l.bind(ctx, l.agent, digest, record)
	if err != nil {
		return err
	}
	stage.Reached("measured")
	return l.Receipt.Leave(ctx, l.agent, receipt.Launch{Binding: binding, Record: record})
}
