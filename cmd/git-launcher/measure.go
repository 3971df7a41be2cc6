package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
	state, emitted, err := measure.Emit(ctx, stagedExtender{agent}, events, sleep)
	if err != nil {
		return err
	}
	atStage("measured")
	l.log.Info("launch measured", "rtmr3", state.RTMR3.String(), "events", len(events), "new", emitted)
	// The checkout is proven; a receipt in it would change what runs.
	if inside, err := liesIn(l.receiptFile, cfg.WorkDir); err != nil || inside {
		return l.receiptOrWarn(&receiptError{errors.Join(errors.New("it must not lie in WORK_DIR"), err)})
	}
	return l.receiptOrWarn(l.leaveReceipt(ctx, agent, record))
}

// receiptOrWarn lets a launch go on without a receipt unless one is required.
func (l *launch) receiptOrWarn(err error) error {
	if err == nil || l.requireReceipt {
		return err
	}
	l.log.Warn("NO LAUNCH RECEIPT: the launch is measured, but there is no file to prove it with; `git-launcher receipt` can make one later", "error", err.Error())
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

// receiptError is a receipt that could not be made or written.
type receiptError struct{ err error }

func (e *receiptError) Error() string { return "launch receipt: " + e.err.Error() }
func (e *receiptError) Unwrap() error { return e.err }

// leaveReceipt writes the receipt for whoever asks what runs here.
func (l *launch) leaveReceipt(ctx context.Context, agent *dstack.Client, record []byte) error {
	r, err := agent.Receipt(ctx, record, nil)
	if err != nil {
		return &receiptError{err}
	}
	data, err := r.Marshal()
	if err != nil {
		return &receiptError{err}
	}
	if l.receiptLog {
		l.log.Info("launch receipt in full", "receipt", string(data[:len(data)-1]))
	}
	if err := writeFile(l.receiptFile, data); err != nil {
		return &receiptError{err}
	}
	sum := sha256.Sum256(data)
	l.log.Info("launch receipt written", "file", l.receiptFile, "sha256", hex.EncodeToString(sum[:]))
	return nil
}

// liesIn reports whether a file lies, or would lie, below a directory, whatever
// symbolic links lead there.
func liesIn(file, dir string) (bool, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false, err
	}
	at, err := filepath.Abs(file)
	if err != nil {
		return false, err
	}
	for at = filepath.Dir(at); ; at = filepath.Dir(at) { // up to what exists
		real, err := filepath.EvalSymlinks(at)
		if err == nil {
			return real == dir || strings.HasPrefix(real, dir+"/"), nil
		}
		if !errors.Is(err, fs.ErrNotExist) || at == "/" {
			return false, err
		}
	}
}

// writeFile writes a file for others to read, atomically. Its name is read as liesIn
// reads it: the kernel would take a .. after a link to lead out of the link's target.
func writeFile(name string, data []byte) error {
	name = filepath.Clean(name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".git-launcher-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// errNoLaunch says that this boot's register holds no launch.
var errNoLaunch = errors.New("this boot's event log holds no launch to make a receipt of")

// receipt makes a fresh receipt of the launch that came last in this boot.
func (l *launch) receipt(ctx context.Context) error {
	const step = "make a receipt"
	agent, err := dstack.New(l.dstackEndpoint, l.dstackTimeout, l.log)
	if err != nil {
		return at("find the guest agent", err)
	}
	state, _, err := measure.Emit(ctx, agent, nil, sleep) // emits nothing: reads a log that replays
	if err != nil {
		return at(step, err)
	}
	record, err := lastRecord(state)
	if err != nil {
		return at(step, err)
	}
	r, err := agent.Receipt(ctx, record, l.nonce)
	if err != nil {
		return at(step, &receiptError{err})
	}
	data, err := r.Marshal()
	if err != nil {
		return at(step, err)
	}
	if _, err = l.stdout.Write(data); err != nil {
		return at(step, fmt.Errorf("writing the receipt: %w", err))
	}
	return nil
}

func lastRecord(state measure.State) ([]byte, error) {
	events, err := state.Log.Replay()
	if err != nil {
		return nil, err
	}
	after, _ := measure.AfterReady(events)
	for i := len(after) - 1; i >= 0; i-- {
		if name := after[i].Name; name == measure.EventLaunch || name == measure.EventImageLaunch {
			return after[i].Payload, nil
		}
	}
	return nil, errNoLaunch
}
