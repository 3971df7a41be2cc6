package gitmode

import (
	"context"
	"errors"
	"fmt"

	"gitlauncher/config"
	"gitlauncher/internal/guest"
	"gitlauncher/internal/pinned"
	"gitlauncher/internal/receipt"
	"gitlauncher/internal/stage"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// measure binds the launch to the machine's registers, in one of two ways, and leaves a
// receipt. No byte of the workload has run.
func (l *Launch) measure(ctx context.Context, agent *dstack.Client, in *input, record []byte) error {
	if agent == nil {
		return nil
	}
	binding, err := l.bind(ctx, agent, in, record)
	if err != nil {
		return err
	}
	stage.Reached("measured")
	return l.Receipt.Leave(ctx, agent, receipt.Launch{Binding: binding, Record: record, Tree: in.config.WorkDir})
}

// bind chooses the binding by --measure and by what the guest agent can do.
func (l *Launch) bind(ctx context.Context, agent measure.Extender, in *input, record []byte) (measure.Binding, error) {
	if l.Guest.Way == guest.Pinned {
		return measure.Pinned, l.pinned(ctx, agent, in)
	}
	err := l.Guest.Emit(ctx, agent, []measure.Event{
		{Name: measure.EventCommit, Payload: in.config.Commit.Bytes()},
		{Name: measure.EventLaunch, Payload: record},
	}, nil)
	if l.Guest.Way == guest.Auto && errors.Is(err, measure.ErrNoEmit) {
		l.Log.Info("no event can be recorded here; looking whether the measured compose pins this config", "reason", err.Error())
		return measure.Pinned, l.pinned(ctx, agent, in)
	}
	return measure.Recorded, err
}

// pinned requires that what is measured lets nothing but this config be launched: the
// measured compose holds it, or it is a file of the image that the compose names. The
// latter is for --measure pinned alone: nobody gets it without having said so.
func (l *Launch) pinned(ctx context.Context, agent measure.Reader, in *input) error {
	boot, err := measure.ReadBoot(ctx, agent, l.Sleep)
	if err != nil {
		return err
	}
	service, err := pinned.ByCompose(boot, in.text)
	if err == nil {
		l.Log.Info("launch measured: the measured compose holds this config, so nothing else can be launched; no event was recorded",
			"binding", string(measure.Pinned), "service", service, "rtmr3", boot.RTMR3.String())
		return nil
	}
	if l.Guest.Way != guest.Pinned || in.name != config.DefaultFile {
		return err
	}
	if byImage := pinned.ByImage(in.name); byImage != nil {
		return fmt.Errorf("%w; and %w", err, byImage)
	}
	l.Log.Info("launch measured: the config is in the image, so nothing else can be launched from it; no event was recorded. A verifier needs CONFIG_SHA256 and the image",
		"binding", string(measure.Pinned), "config_sha256", in.sum, "rtmr3", boot.RTMR3.String())
	return nil
}
