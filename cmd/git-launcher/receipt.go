package main

import (
	"context"
	"fmt"

	"gitlauncher/internal/receipt"
	"gitlauncher/internal/step"
	"gitlauncher/measure/dstack"
)

// receipt prints a fresh receipt of the launch that came last in this boot.
func (s *settings) receipt(ctx context.Context) error {
	agent, err := dstack.New(s.Guest.Socket, s.Guest.Timeout, s.Log)
	if err != nil {
		return step.At(step.Agent, err)
	}
	maker := receipt.Maker{Agent: agent, Left: s.Receipt.File, Sleep: sleep}
	r, err := maker.Make(ctx, s.nonce)
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
