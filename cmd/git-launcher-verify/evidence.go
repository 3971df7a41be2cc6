package main

import (
	"context"
	"errors"
	"fmt"

	"gitlauncher/internal/address"
	"gitlauncher/internal/cli"
	"gitlauncher/internal/inputs"
	"gitlauncher/measure"
	"gitlauncher/verify/evidence"
)

// evidence reads EVIDENCE, or its parts.
func (p *program) evidence(s *settings) (*evidence.Evidence, error) {
	e := &evidence.Evidence{Kind: evidence.KindParts}
	if s.evidence != "" {
		data := s.fetched
		var err error
		if data == nil {
			if data, err = p.files.Evidence(s.evidence); err != nil {
				return nil, orBatch(err)
			}
		}
		if e, err = evidence.Parse(data); err != nil {
			return nil, &inputs.InvalidError{Err: fmt.Errorf("%s: %w", s.evidence, err)}
		}
		e.Peer = s.peer
	}
	for _, part := range []struct {
		file string
		set  func([]byte) error
	}{{s.quote, e.SetQuote}, {s.eventLog, e.SetLog}, {s.info, e.SetInfo}, {s.tcbInfo, e.SetTCBInfo}, {s.vmConfig, e.SetVMConfig}} {
		if part.file == "" {
			continue
		}
		data, err := p.files.Evidence(part.file)
		if err != nil {
			return nil, err
		}
		if err := part.set(data); err != nil {
			return nil, &inputs.InvalidError{Err: fmt.Errorf("%s: %w", part.file, err)}
		}
	}
	return e, nil
}

// What git-launcher attest takes is a nonce of 32 bytes. Any other it answers with 400.
const (
	liveNonce  = 32
	badRequest = 400
)

// fetch fetches evidence that is named by its address. A nonce that the policy wants goes
// with the question.
func (p *program) fetch(ctx context.Context, s *settings) error {
	if !address.Is(s.evidence) {
		return nil
	}
	nonce := ""
	if wanted := s.policy.Nonce.Texts(); len(wanted) == 1 {
		nonce = wanted[0]
	}
	client := p.address
	client.Private = s.private
	answer, err := client.Fetch(ctx, s.evidence, nonce, evidence.MaxSize)
	var large *address.LargeError
	var status *address.StatusError
	switch {
	case errors.As(err, &status) && status.Status == badRequest && len(nonce) != 2*liveNonce:
		err = &hintedError{err, "; a live endpoint wants a nonce of 32 bytes: --nonce random"}
	case errors.As(err, &large):
		return &inputs.InvalidError{Err: err}
	case err == nil:
		s.fetched, s.peer = answer.Data, measure.KeyHashOf(answer.SPKI)
	}
	return err
}

// orBatch says what takes the folder that was named as evidence.
func orBatch(err error) error {
	var folder *inputs.FolderError
	if errors.As(err, &folder) {
		return cli.Usagef("%s is a folder; --batch judges the files in one", folder.Name)
	}
	return err
}
