package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/semaphore"

	"gitlauncher/internal/printable"
	"gitlauncher/verify"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/report"
)

// judged is one line of a batch's output.
type judged struct {
	Source string         `json:"source"`          // the file, or the input and its line
	Error  string         `json:"error,omitempty"` // evidence that is none (exit code 3), or can't be had (1)
	Report *report.Report `json:"report,omitempty"`
	absent bool           // Error is that it can't be had
}

func (j judged) exitCode() int {
	switch {
	case j.absent:
		return exitUndecided
	case j.Report == nil:
		return exitInvalid
	}
	return j.Report.ExitCode
}

// item is one evidence on its way: data in, a line out.
type item struct {
	source string
	data   []byte
	err    error
	done   chan judged
	weight int64 // of data, in bytes
}

// maxInFlight bounds the evidence that is being judged at a time, in bytes: as much as
// one evidence may have.
const maxInFlight = evidence.MaxSize

// batch judges many, on all cores, and prints a JSON line for each in their
// order. The exit code is the one that outranks: 3, 4, 1, 0.
func (p *program) batch(ctx context.Context, s *settings, params verify.Params, source *collateralSource) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	params.Shared = verify.NewShared()
	room := semaphore.NewWeighted(maxInFlight)
	workers := runtime.GOMAXPROCS(0)
	items := make(chan *item)            // to the workers
	order := make(chan *item, 2*workers) // to the printer; its size bounds what is in memory
	var readErr error
	go func() {
		defer close(items)
		defer close(order)
		readErr = p.items(s.evidence, func(i *item) error {
			i.done = make(chan judged, 1)
			i.weight = min(int64(len(i.data)), maxInFlight)
			if err := room.Acquire(ctx, i.weight); err != nil {
				return err
			}
			select {
			case order <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case items <- i:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	for range workers {
		go func() {
			for i := range items {
				line := p.judgeOne(ctx, i, params, source)
				room.Release(i.weight)
				i.done <- line
			}
		}()
	}
	code, n := exitVerified, 0
	out := bufio.NewWriter(p.stdout)
	for i := range order {
		select {
		case line := <-i.done:
			n++
			code = outrank(code, line.exitCode())
			if err := writeLine(out, line); err != nil {
				return code, err
			}
		case <-ctx.Done():
			return code, ctx.Err()
		}
	}
	if err := errors.Join(readErr, out.Flush()); err != nil {
		return code, err
	}
	if n == 0 {
		return 0, usagef("%s holds no evidence", s.evidence)
	}
	return code, nil
}

func writeLine(w io.Writer, line judged) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line); err != nil {
		return err
	}
	_, err := w.Write(printable.JSON(b.Bytes()))
	return err
}

// outrank returns the exit code that counts more.
func outrank(a, b int) int {
	rank := map[int]int{0: 0, 1: 1, 4: 2, 3: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

func (p *program) judgeOne(ctx context.Context, i *item, params verify.Params, source *collateralSource) judged {
	if i.err != nil {
		var invalid *invalidError
		return judged{Source: i.source, Error: i.err.Error(), absent: !errors.As(i.err, &invalid)}
	}
	e, err := evidence.Parse(i.data)
	i.data = nil
	if err != nil {
		return judged{Source: i.source, Error: err.Error()}
	}
	if err := source.add(ctx, e, &params); err != nil {
		p.warn(fmt.Errorf("%s: %w", i.source, err))
	}
	return judged{Source: i.source, Report: verify.Judge(ctx, e, params)}
}

// items hands on each file of a folder, or each line of a file.
func (p *program) items(name string, give func(*item) error) error {
	if entries, err := os.ReadDir(name); err == nil {
		for _, e := range entries {
			file := filepath.Join(name, e.Name())
			var data []byte
			info, err := os.Stat(file)
			if err == nil && !info.Mode().IsRegular() {
				err = fmt.Errorf("%s is not a file", file)
			} else if err == nil {
				data, err = p.readEvidence(file)
			}
			if err := give(&item{source: file, data: data, err: err}); err != nil {
				return err
			}
		}
		return nil
	}
	var in io.Reader
	if name == "-" {
		var err error
		if in, err = p.standardInput(); err != nil {
			return err
		}
	} else {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewReaderSize(in, 1<<20)
	for n := 1; ; n++ {
		line, err := readLine(lines)
		if len(bytes.TrimSpace(line)) > 0 || err != nil && err != io.EOF {
			lineErr := err
			if lineErr == io.EOF {
				lineErr = nil
			}
			if err := give(&item{source: fmt.Sprintf("%s:%d", name, n), data: line, err: lineErr}); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, errLong) {
			return err
		}
	}
}

var errLong = &invalidError{fmt.Errorf("the line is larger than %d MiB", evidence.MaxSize>>20)}

// readLine reads a line of at most evidence.MaxSize bytes. A longer one is
// skipped, and is errLong.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if long = long || len(line)+len(part) > evidence.MaxSize; long {
			line = nil
		} else {
			line = append(line, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if long && (err == nil || err == io.EOF) {
			return nil, errLong
		}
		return line, err
	}
}
