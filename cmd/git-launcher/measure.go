package main

import (
	"context"
	"errors"
	"fmt"

	"gitlauncher/config"
	"gitlauncher/internal/pinned"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// agent finds the guest agent before anything else is done, so that a launch that
// could never be measured fails at once. It is nil with --platform nontee.
func (l *launch) agent() (*dstack.Client, error) {
	if !l.measured {
		l.log.Warn("NOT MEASURED: --platform nontee. Nothing of this launch reaches RTMR3, and nobody can verify it")
		return nil, nil
	}
	return dstack.New(l.dstackEndpoint, l.dstackTimeout, l.log)
}

// The values of --measure.
const (
	measureAuto   = "auto"   // recorded where that can be, else pinned
	measureRecord = "record" // recorded, or not launched
	measurePinned = "pinned" // pinned, or not launched; nothing is emitted
)

// measure binds the launch to the machine's registers, in one of two ways, and leaves a
// receipt. No byte of the workload has run.
func (l *launch) measure(ctx context.Context, agent *dstack.Client, in *input, record []byte) error {
	if agent == nil {
		return nil
	}
	binding, err := l.bind(ctx, agent, in, record)
	if err != nil {
		return err
	}
	atStage("measured")
	// The checkout is proven; a receipt in it would change what runs.
	if inside, err := liesIn(l.receiptFile, in.config.WorkDir); err != nil || inside {
		return l.receiptOrWarn(&receiptError{errors.Join(errors.New("it must not lie in WORK_DIR"), err)})
	}
	return l.receiptOrWarn(l.leaveReceipt(ctx, agent, binding, record))
}

// bind chooses the binding by --measure and by what the guest agent can do.
func (l *launch) bind(ctx context.Context, agent *dstack.Client, in *input, record []byte) (measure.Binding, error) {
	if l.measureBy == measurePinned {
		return measure.Pinned, l.pinned(ctx, agent, in)
	}
	err := l.recordLaunch(ctx, agent, in, record)
	if l.measureBy == measureAuto && errors.Is(err, measure.ErrNoEmit) {
		l.log.Info("no event can be recorded here; looking whether the measured compose pins this config", "reason", err.Error())
		return measure.Pinned, l.pinned(ctx, agent, in)
	}
	return measure.Recorded, err
}

// recordLaunch extends RTMR3 with the commit and the launch record, once a boot.
func (l *launch) recordLaunch(ctx context.Context, agent *dstack.Client, in *input, record []byte) error {
	events := []measure.Event{
		{Name: measure.EventCommit, Payload: in.config.Commit.Bytes()},
		{Name: measure.EventLaunch, Payload: record},
	}
	boot, emitted, err := measure.Emit(ctx, stagedExtender{agent}, events, sleep)
	if err != nil {
		return err
	}
	l.log.Info("launch measured", "binding", string(measure.Recorded), "rtmr3", boot.RTMR3.String(), "events", len(events), "new", emitted)
	return nil
}

// pinned requires that what is measured lets nothing but this config be launched: the
// measured compose holds it, or it is a file of the image that the compose names. The
// latter is for --measure pinned alone: nobody gets it without having said so.
func (l *launch) pinned(ctx context.Context, agent *dstack.Client, in *input) error {
	boot, err := measure.ReadBoot(ctx, agent, sleep)
	if err != nil {
		return err
	}
	service, err := pinned.ByCompose(boot, in.text)
	if err == nil {
		l.log.Info("launch measured: the measured compose holds this config, so nothing else can be launched; no event was recorded",
			"binding", string(measure.Pinned), "service", service, "rtmr3", boot.RTMR3.String())
		return nil
	}
	if l.measureBy != measurePinned || in.name != config.DefaultFile {
		return err
	}
	if byImage := pinned.ByImage(in.name); byImage != nil {
		return fmt.Errorf("%w; and %w", err, byImage)
	}
	l.log.Info("launch measured: the config is in the image, so nothing else can be launched from it; no event was recorded. A verifier needs CONFIG_SHA256 and the image",
		"binding", string(measure.Pinned), "config_sha256", in.sum, "rtmr3", boot.RTMR3.String())
	return nil
}

// stagedExtender lets tests end the launcher between two events.
type stagedExtender struct{ *dstack.Client }

func (x stagedExtender) Emit(ctx context.Context, e measure.Event) error {
	err := x.Client.Emit(ctx, e)
	if err == nil {
		atStage("emitted-" + e.Name)
	}
	return err
}
