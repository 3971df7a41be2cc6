package main

import (
	"errors"
	"fmt"

	"gitlauncher/internal/inputs"
	"gitlauncher/verify/evidence"
)

// evidence reads EVIDENCE, or its parts.
func (p *program) evidence(s *settings) (*evidence.Evidence, error) {
	e := &evidence.Evidence{Kind: evidence.KindParts}
	if s.evidence != "" {
		data, err := p.files.Evidence(s.evidence)
		if err != nil {
			return nil, orBatch(err)
		}
		if e, err = evidence.Parse(data); err != nil {
			return nil, &inputs.InvalidError{Err: fmt.Errorf("%s: %w", s.evidence, err)}
		}
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

// orBatch says what takes the folder that was named as evidence.
func orBatch(err error) error {
	var folder *inputs.FolderError
	if errors.As(err, &folder) {
		return usagef("%s is a folder; --batch judges the files in one", folder.Name)
	}
	return err
}
