package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"gitlauncher/verify/evidence"
)

const exitInvalid = 3

// invalidError is evidence that can't be read as what it claims to be.
type invalidError struct{ err error }

func (e *invalidError) Error() string { return e.err.Error() }
func (e *invalidError) Unwrap() error { return e.err }

// largeError is a file beyond the bound on what it is to be.
type largeError struct {
	name  string
	limit int64 // bytes
}

func (e *largeError) Error() string {
	if e.limit < 1<<20 {
		return fmt.Sprintf("%s is larger than %d KiB", e.name, e.limit>>10)
	}
	return fmt.Sprintf("%s is larger than %d MiB", e.name, e.limit>>20)
}

// standardInput is one document, for the flag that asks first.
func (p *program) standardInput() (io.Reader, error) {
	if p.stdinTaken {
		return nil, usagef("standard input (-) is asked for more than once")
	}
	p.stdinTaken = true
	return p.stdin, nil
}

// read reads a file of at most limit bytes; "-" is standard input.
func (p *program) read(name string, limit int64) ([]byte, error) {
	var in io.Reader
	var room bytes.Buffer
	if name == "-" {
		var err error
		if in, err = p.standardInput(); err != nil {
			return nil, err
		}
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil {
			switch {
			case info.IsDir():
				return nil, usagef("%s is a folder; --batch judges the files in one", name)
			case info.Size() > limit:
				return nil, &largeError{name, limit}
			}
			room.Grow(int(info.Size()) + bytes.MinRead) // so that it need not grow
		}
		in = f
	}
	if _, err := room.ReadFrom(io.LimitReader(in, limit+1)); err != nil {
		return nil, err
	}
	if int64(room.Len()) > limit {
		return nil, &largeError{name, limit}
	}
	return room.Bytes(), nil
}

// readEvidence reads a file of evidence, which is none if it is too large.
func (p *program) readEvidence(name string) ([]byte, error) {
	data, err := p.read(name, evidence.MaxSize)
	var large *largeError
	if errors.As(err, &large) {
		return nil, &invalidError{err}
	}
	return data, err
}

// evidence reads EVIDENCE, or its parts.
func (p *program) evidence(s *settings) (*evidence.Evidence, error) {
	e := &evidence.Evidence{Kind: evidence.KindParts}
	if s.evidence != "" {
		data, err := p.readEvidence(s.evidence)
		if err != nil {
			return nil, err
		}
		if e, err = evidence.Parse(data); err != nil {
			return nil, &invalidError{fmt.Errorf("%s: %w", s.evidence, err)}
		}
	}
	for _, part := range []struct {
		file string
		set  func([]byte) error
	}{{s.quote, e.SetQuote}, {s.eventLog, e.SetLog}, {s.info, e.SetInfo}, {s.tcbInfo, e.SetTCBInfo}, {s.vmConfig, e.SetVMConfig}} {
		if part.file == "" {
			continue
		}
		data, err := p.readEvidence(part.file)
		if err != nil {
			return nil, err
		}
		if err := part.set(data); err != nil {
			return nil, &invalidError{fmt.Errorf("%s: %w", part.file, err)}
		}
	}
	return e, nil
}
