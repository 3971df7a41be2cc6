package receipt

import (
	"context"
	"errors"
	"time"

	"gitlauncher/internal/regularfile"
	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
)

// ErrNoLaunch says that this boot's register holds no launch.
var ErrNoLaunch = errors.New("this boot's event log holds no launch to make a receipt of")

// Error says why a receipt could not be made or written.
type Error struct{ Err error }

func (e *Error) Error() string { return "launch receipt: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Agent is what a receipt needs of the guest agent.
type Agent interface {
	measure.Reader
	// Receipt returns a quote over the record, the nonce and the key to bind.
	Receipt(ctx context.Context, binding measure.Binding, record []byte, asked measure.Asked) (*measure.Receipt, error)
}

// Maker makes receipts of this boot's last launch, a new one for each question.
type Maker struct {
	Agent Agent
	Left  string // the file that a launch has left its receipt in
	Sleep func(context.Context, time.Duration) error
}

// Make makes a receipt over a nonce, which the asker chose, and a key, which is the
// workload's. Errors are [ErrNoLaunch], [*Error] and those of [measure.ReadBoot].
func (m *Maker) Make(ctx context.Context, asked measure.Asked) (*measure.Receipt, error) {
	boot, err := measure.ReadBoot(ctx, m.Agent, m.Sleep)
	if err != nil {
		return nil, err
	}
	binding := measure.Recorded
	record, ok := boot.LastRecord()
	if !ok {
		// A pinned launch is in no log. Its receipt proves nothing but that the record is
		// the one in that file: the quote alone says what can be launched.
		if record, ok = m.pinnedRecord(boot); !ok {
			return nil, ErrNoLaunch
		}
		binding = measure.Pinned
	}
	r, err := m.Agent.Receipt(ctx, binding, record, asked)
	if err != nil {
		return nil, &Error{err}
	}
	return r, nil
}

// pinnedRecord returns the record of the receipt that a pinned launch of this compose has left.
// On a volume there may be that of an earlier one.
func (m *Maker) pinnedRecord(boot measure.Boot) ([]byte, bool) {
	measured, err := boot.AppCompose()
	if err != nil {
		return nil, false
	}
	data, err := regularfile.Read(m.Left, measure.MaxReceipt)
	if err != nil {
		return nil, false
	}
	r, err := measure.ParseReceipt(data)
	if err != nil || r.Binding != measure.Pinned {
		return nil, false
	}
	var info struct {
		AppCompose string `json:"app_compose"`
	}
	if err := strictjson.Unmarshal([]byte(r.Info.TCBInfo), &info); err != nil || info.AppCompose != string(measured) {
		return nil, false
	}
	return []byte(r.Record), true
}
