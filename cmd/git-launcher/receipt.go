package main

import (
	"context"
	"encoding/hex"
	"fmt"

	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/receipt"
	"gitlauncher/internal/spki"
	"gitlauncher/internal/step"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// question says what the command line asks a receipt for.
type question struct {
	nonce string
	bind  []func() (measure.KeyHash, error) // one for each flag that was given, even without a value
}

func (q *question) flags(f launcherflags.Destinations) {
	f.Text(&q.nonce, "nonce", "")
	bind := func(name string, key func(string) (measure.KeyHash, error)) {
		f.Each(name, func(v string) error {
			q.bind = append(q.bind, func() (measure.KeyHash, error) { return key(v) })
			return nil
		})
	}
	bind("bind-spki", measure.ParseKeyHash)
	bind("bind-file", spki.Read)
}

// read checks what was given, and reads the file with the key.
func (q *question) read() (asked measure.Asked, err error) {
	if asked.Nonce, err = hex.DecodeString(q.nonce); err != nil || len(asked.Nonce) > measure.MaxNonce {
		return asked, step.Usagef("--nonce is not hex of at most %d bytes", measure.MaxNonce)
	}
	if len(q.bind) > 1 {
		return asked, step.Usagef("a receipt binds one key: give --bind-spki or --bind-file, once")
	}
	for _, key := range q.bind {
		if asked.Key, err = key(); err != nil {
			return asked, step.Usagef("the key to bind: %v", err)
		}
	}
	return asked, nil
}

// receipt prints a fresh receipt of the launch that came last in this boot.
func (s *settings) receipt(ctx context.Context) error {
	agent, err := dstack.New(s.Guest.Socket, s.Guest.Timeout, s.Log)
	if err != nil {
		return step.At(step.Agent, err)
	}
	maker := receipt.Maker{Agent: agent, Left: s.Receipt.File, Sleep: sleep}
	r, err := maker.Make(ctx, s.asked)
	if err != nil {
		return step.At(step.Receipt, err)
	}
	data, err := r.Marshal()
	if err != nil {
		return step.At(step.Receipt, err)
	}
	if _, err = s.Stdout.Write(data); err != nil {
		return step.At(step.Receipt, fmt.Errorf("writing the receipt: %w", err))
	}
	return nil
}
