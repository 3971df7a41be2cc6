package receipt_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/receipt"
	"gitlauncher/internal/sim"
	"gitlauncher/internal/sim/fault"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// record is one that a launch in git mode could leave.
const record = `{"commit":"x","v":"1"}`

func agent(t *testing.T, faults ...fault.Fault) *dstack.Client {
	t.Helper()
	return agentOf(t, "{}", faults...)
}

// agentOf is that of a VM with an app-compose.
func agentOf(t *testing.T, appCompose string, faults ...fault.Fault) *dstack.Client {
	t.Helper()
	socket, stop, err := sim.Start(sim.Options{Dstack: sim.V05, AppCompose: []byte(appCompose), Now: time.Now(), Faults: faults}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	a, err := dstack.New(socket, time.Minute, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func noSleep(context.Context, time.Duration) error { return nil }

func launch(t *testing.T, a *dstack.Client) {
	t.Helper()
	events := []measure.Event{{Name: measure.EventLaunch, Payload: []byte(record)}}
	if _, _, err := measure.Emit(t.Context(), a, events, noSleep); err != nil {
		t.Fatal(err)
	}
}

// TestMake: each receipt is over the nonce of its question, and over the record in this
// boot's log.
func TestMake(t *testing.T) {
	a := agent(t)
	left := filepath.Join(t.TempDir(), "receipt.json")
	m := receipt.Maker{Agent: a, Left: left, Sleep: noSleep}
	if _, err := m.Make(t.Context(), measure.Asked{}); !errors.Is(err, receipt.ErrNoLaunch) {
		t.Errorf("before a launch: %v", err)
	}
	launch(t, a)
	for _, nonce := range [][]byte{nil, {1, 2, 3}, bytes.Repeat([]byte{7}, measure.MaxNonce)} {
		r, err := m.Make(t.Context(), measure.Asked{Nonce: nonce})
		if err != nil {
			t.Fatal(err)
		}
		want := measure.Asked{Nonce: nonce}.ReportData([]byte(record))
		if r.Binding != measure.Recorded || r.Record != record || r.Nonce != hex.EncodeToString(nonce) || r.ReportData != hex.EncodeToString(want[:]) {
			t.Errorf("nonce %x: %+v", nonce, r)
		}
	}
}

// TestMakePinned: a pinned launch is in no log, so its record is the one in the file
// that it left. Nothing else is taken from that file.
func TestMakePinned(t *testing.T) {
	a := agent(t)
	left := filepath.Join(t.TempDir(), "receipt.json")
	m := receipt.Maker{Agent: a, Left: left, Sleep: noSleep}
	place := receipt.Place{File: left, Required: true, Log: slog.New(slog.DiscardHandler)}
	if err := place.Leave(t.Context(), a, receipt.Launch{Binding: measure.Pinned, Record: []byte(record)}); err != nil {
		t.Fatal(err)
	}
	r, err := m.Make(t.Context(), measure.Asked{Nonce: []byte{9}})
	if err != nil || r.Binding != measure.Pinned || r.Record != record || r.Nonce != "09" {
		t.Errorf("%+v, %v", r, err)
	}
	// After an upgrade, a volume has the receipt of the compose before until there is a launch.
	upgraded := receipt.Maker{Agent: agentOf(t, `{"name":"b"}`), Left: left, Sleep: noSleep}
	if _, err := upgraded.Make(t.Context(), measure.Asked{}); !errors.Is(err, receipt.ErrNoLaunch) {
		t.Errorf("a receipt of an earlier compose: %v", err)
	}
	again := receipt.Maker{Agent: agent(t), Left: left, Sleep: noSleep} // the same compose, another boot
	if _, err := again.Make(t.Context(), measure.Asked{}); err != nil {
		t.Errorf("a receipt of this compose: %v", err)
	}
	if err := place.Leave(t.Context(), a, receipt.Launch{Binding: measure.Recorded, Record: []byte(record)}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Make(t.Context(), measure.Asked{}); !errors.Is(err, receipt.ErrNoLaunch) {
		t.Errorf("a launch that says it was recorded, and is in no log: %v", err)
	}
	if err := os.WriteFile(left, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Make(t.Context(), measure.Asked{}); !errors.Is(err, receipt.ErrNoLaunch) {
		t.Errorf("a file that is no receipt: %v", err)
	}
}

// TestMakeFails: if the guest agent makes no quote, the error names the call.
func TestMakeFails(t *testing.T) {
	a := agent(t, fault.Fault{Kind: "quote-500", From: 1})
	launch(t, a)
	m := receipt.Maker{Agent: a, Sleep: noSleep}
	var failed *receipt.Error
	var call *dstack.CallError
	if _, err := m.Make(t.Context(), measure.Asked{}); !errors.As(err, &failed) || !errors.As(err, &call) || call.Call != "GetQuote" {
		t.Errorf("%v", err)
	}
}

// TestLeave: the receipt is a file for others to read, and in the log if that is wanted.
func TestLeave(t *testing.T) {
	a := agent(t)
	var log bytes.Buffer
	place := receipt.Place{File: filepath.Join(t.TempDir(), "sub", "receipt.json"), InLog: true, Required: true, Log: slog.New(slog.NewTextHandler(&log, nil))}
	if err := place.Leave(t.Context(), a, receipt.Launch{Binding: measure.Recorded, Record: []byte(record)}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(place.File)
	if err != nil {
		t.Fatal(err)
	}
	r, err := measure.ParseReceipt(data)
	if err != nil || r.Record != record || r.Nonce != "" {
		t.Errorf("%+v, %v", r, err)
	}
	if info, err := os.Stat(place.File); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if !strings.Contains(log.String(), "launch receipt in full") || !strings.Contains(log.String(), "launch receipt written") {
		t.Errorf("the log is\n%s", log.String())
	}
}

// TestLeaveRefuses: no receipt lies in the proven checkout, whatever links lead there. A
// launch that requires no receipt goes on, with a warning.
func TestLeaveRefuses(t *testing.T) {
	a := agent(t)
	dir := t.TempDir()
	tree, link := filepath.Join(dir, "tree"), filepath.Join(dir, "link")
	if err := os.Mkdir(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(tree, link); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(tree, "package.json"), filepath.Join(link, "package.json"), filepath.Join(link, "new", "folder", "x"), dir + "/other/../link/x"} {
		var log bytes.Buffer
		place := receipt.Place{File: file, Required: true, Log: slog.New(slog.NewTextHandler(&log, nil))}
		of := receipt.Launch{Binding: measure.Recorded, Record: []byte(record), Tree: tree}
		var failed *receipt.Error
		if err := place.Leave(t.Context(), a, of); !errors.As(err, &failed) || !strings.Contains(err.Error(), "must not lie in WORK_DIR") {
			t.Errorf("%s: %v", file, err)
		}
		place.Required = false
		if err := place.Leave(t.Context(), a, of); err != nil || !strings.Contains(log.String(), "NO LAUNCH RECEIPT") {
			t.Errorf("%s, not required: %v\n%s", file, err, log.String())
		}
	}
	if entries, err := os.ReadDir(tree); err != nil || len(entries) != 0 {
		t.Errorf("the checkout has %v, %v", entries, err)
	}
}
