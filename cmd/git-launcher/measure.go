package main

import (
	"context"
	"errors"

	"gitlauncher/config"
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

// measure extends RTMR3 with the commit and the launch record, once a boot, and
// leaves a receipt. No byte of the workload has run.
func (l *launch) measure(ctx context.Context, agent *dstack.Client, cfg *config.Git, record []byte) error {
	if agent == nil {
		return nil
	}
	events := []measure.Event{
		{Name: measure.EventCommit, Payload: cfg.Commit[:]},
		{Name: measure.EventLaunch, Payload: record},
	}
	boot, emitted, err := measure.Emit(ctx, stagedExtender{agent}, events, sleep)
	if err != nil {
		return err
	}
	atStage("measured")
	l.log.Info("launch measured", "rtmr3", boot.RTMR3.String(), "events", len(events), "new", emitted)
	// The checkout is proven; a receipt in it would change what runs.
	if inside, err := liesIn(l.receiptFile, cfg.WorkDir); err != nil || inside {
		return l.receiptOrWarn(&receiptError{errors.Join(errors.New("it must not lie in WORK_DIR"), err)})
	}
	return l.receiptOrWarn(l.leaveReceipt(ctx, agent, record))
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
