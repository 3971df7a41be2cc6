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

	"gitlauncher/internal/atomicfile"
	"gitlauncher/internal/regularfile"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// errNoLaunch says that this boot's register holds no launch.
var errNoLaunch = errors.New("this boot's event log holds no launch to make a receipt of")

// receipt makes a fresh receipt of the launch that came last in this boot.
func (l *launch) receipt(ctx context.Context) error {
	const step = "make a receipt"
	agent, err := dstack.New(l.dstackEndpoint, l.dstackTimeout, l.log)
	if err != nil {
		return at("find the guest agent", err)
	}
	boot, err := measure.ReadBoot(ctx, agent, sleep)
	if err != nil {
		return at(step, err)
	}
	binding := measure.Recorded
	record, ok := boot.LastRecord()
	if !ok {
		// A pinned launch is in no log. Its receipt proves nothing but that the record is
		// the one in that file: the quote alone says what can be launched.
		if record, ok = l.pinnedRecord(); !ok {
			return at(step, errNoLaunch)
		}
		binding = measure.Pinned
	}
	r, err := agent.Receipt(ctx, binding, record, l.nonce)
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

// receiptError is a receipt that could not be made or written.
type receiptError struct{ err error }

func (e *receiptError) Error() string { return "launch receipt: " + e.err.Error() }
func (e *receiptError) Unwrap() error { return e.err }

// receiptOrWarn lets a launch go on without a receipt unless one is required.
func (l *launch) receiptOrWarn(err error) error {
	if err == nil || l.requireReceipt {
		return err
	}
	l.log.Warn("NO LAUNCH RECEIPT: the launch is measured, but there is no file to prove it with; `git-launcher receipt` can make one later", "error", err.Error())
	return nil
}

// pinnedRecord returns the record of the receipt that a pinned launch has left.
func (l *launch) pinnedRecord() ([]byte, bool) {
	data, err := regularfile.Read(l.receiptFile, measure.MaxReceipt)
	if err != nil {
		return nil, false
	}
	r, err := measure.ParseReceipt(data)
	if err != nil || r.Binding != measure.Pinned {
		return nil, false
	}
	return []byte(r.Record), true
}

// leaveReceipt writes the receipt for anyone who asks what runs here.
func (l *launch) leaveReceipt(ctx context.Context, agent *dstack.Client, binding measure.Binding, record []byte) error {
	r, err := agent.Receipt(ctx, binding, record, nil)
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
	l.log.Info("launch receipt written", "binding", string(binding), "file", l.receiptFile, "sha256", hex.EncodeToString(sum[:]))
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

// writeFile writes a file for others to read, in a folder that is made if need be.
func writeFile(name string, data []byte) error {
	name = filepath.Clean(name) // as liesIn reads it: the kernel takes a .. after a link to lead out of the link's target
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(name, data, 0o644)
}
