package guest

import (
	"context"
	"log/slog"
	"time"

	"gitlauncher/internal/stage"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// Way is how a launch is bound to the machine's registers.
type Way string

// The values of --measure.
const (
	Auto   Way = "auto"   // recorded if that is possible, else pinned
	Record Way = "record" // recorded, or not launched
	Pinned Way = "pinned" // pinned, or not launched; nothing is emitted
)

// Options says whether and how a launch is measured.
type Options struct {
	Measured bool // with --platform nontee it is not
	Way      Way
	Socket   string        // the guest agent's, an absolute path
	Timeout  time.Duration // for one call
	Log      *slog.Logger
	Sleep    func(context.Context, time.Duration) error
}

// Agent finds the guest agent, so that a launch that could never be measured fails at
// once. It returns nil with --platform nontee. Errors are *[dstack.SocketError].
func (o *Options) Agent() (*dstack.Client, error) {
	if !o.Measured {
		o.Log.Warn("NOT MEASURED: --platform nontee. Nothing of this launch reaches RTMR3, and nobody can verify it")
		return nil, nil
	}
	return dstack.New(o.Socket, o.Timeout, o.Log)
}

// Emit extends RTMR3 with the events that this boot's register does not hold yet, and
// says so in the log. If last is not nil, it gets the boot before the log does, and may
// refuse it. The error wraps [measure.ErrNoEmit] where no application can record
// events.
func (o *Options) Emit(ctx context.Context, agent measure.Extender, events []measure.Event, last func(measure.Boot) error) error {
	boot, emitted, err := measure.Emit(ctx, staged{agent}, events, o.Sleep)
	if err != nil {
		return err
	}
	if last != nil {
		if err := last(boot); err != nil {
			return err
		}
	}
	o.Log.Info("launch measured", "binding", string(measure.Recorded), "rtmr3", boot.RTMR3.String(), "events", len(events), "new", emitted)
	return nil
}

// staged lets tests end the launcher between two events.
type staged struct{ measure.Extender }

func (x staged) Emit(ctx context.Context, e measure.Event) error {
	err := x.Extender.Emit(ctx, e)
	if err == nil {
		stage.Reached("emitted-" + e.Name)
	}
	return err
}
