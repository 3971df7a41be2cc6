package batch

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"

	"golang.org/x/sync/semaphore"

	"gitlauncher/internal/inputs"
	"gitlauncher/internal/printable"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/report"
)

// judged is one line of a batch's output.
type judged struct {
	Source string         `json:"source"`          // the file, or the input and its line
	Error  string         `json:"error,omitempty"` // why this is no evidence (exit code 3), or can't be read (1)
	Report *report.Report `json:"report,omitempty"`
	absent bool           // whether it can't be read
}

func (j judged) exitCode() int {
	switch {
	case j.absent:
		return report.ExitUndecided
	case j.Report == nil:
		return report.ExitInvalid
	}
	return j.Report.ExitCode
}

// item is one piece of evidence on its way: data in, a line out.
type item struct {
	source string
	data   []byte
	err    error
	done   chan judged
	weight int64 // of data, in bytes
}

// maxInFlight bounds the evidence that is judged at a time, in bytes: the size of the
// largest.
const maxInFlight = evidence.MaxSize

// Judge judges one evidence; source says where it is from.
type Judge func(ctx context.Context, source string, e *evidence.Evidence) *report.Report

// Run judges each file of a folder, or each line of a file, on all cores, and prints a
// JSON line for each in their order. The exit code is the first of 3, 4, 1 and 0 that a
// line has.
func Run(ctx context.Context, out io.Writer, files *inputs.Files, name string, judge Judge) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	room := semaphore.NewWeighted(maxInFlight)
	workers := runtime.GOMAXPROCS(0)
	items := make(chan *item)            // to the workers
	order := make(chan *item, 2*workers) // to the printer; its size bounds what is in memory
	var readErr error
	go func() {
		defer close(items)
		defer close(order)
		readErr = each(files, name, func(i *item) error {
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
				line := judgeOne(ctx, i, judge)
				room.Release(i.weight)
				i.done <- line
			}
		}()
	}
	code, n := report.ExitVerified, 0
	lines := bufio.NewWriter(out)
	for i := range order {
		select {
		case line := <-i.done:
			n++
			if report.Outranks(line.exitCode(), code) {
				code = line.exitCode()
			}
			if err := writeLine(lines, line); err != nil {
				return code, err
			}
		case <-ctx.Done():
			return code, ctx.Err()
		}
	}
	if err := errors.Join(readErr, lines.Flush()); err != nil {
		return code, err
	}
	if n == 0 {
		return 0, &inputs.NameError{Reason: name + " holds no evidence"}
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

func judgeOne(ctx context.Context, i *item, judge Judge) judged {
	if i.err != nil {
		var invalid *inputs.InvalidError
		return judged{Source: i.source, Error: i.err.Error(), absent: !errors.As(i.err, &invalid)}
	}
	e, err := evidence.Parse(i.data)
	i.data = nil
	if err != nil {
		return judged{Source: i.source, Error: err.Error()}
	}
	return judged{Source: i.source, Report: judge(ctx, i.source, e)}
}
