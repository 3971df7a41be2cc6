package batch

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gitlauncher/internal/inputs"
	"gitlauncher/verify/evidence"
)

// each calls hand with each file of a folder, or with each line of a file.
func each(files *inputs.Files, name string, hand func(*item) error) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		entries, err := os.ReadDir(name)
		if err != nil {
			return err
		}
		for _, e := range entries {
			file := filepath.Join(name, e.Name())
			var data []byte
			info, err := os.Stat(file)
			if err == nil && !info.Mode().IsRegular() {
				err = fmt.Errorf("%s is not a file", file)
			} else if err == nil {
				data, err = files.Evidence(file)
			}
			if err := hand(&item{source: file, data: data, err: err}); err != nil {
				return err
			}
		}
		return nil
	}
	var in io.Reader
	if name == "-" {
		var err error
		if in, err = files.StandardInput(); err != nil {
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
			if err := hand(&item{source: fmt.Sprintf("%s:%d", name, n), data: line, err: lineErr}); err != nil {
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

var errLong = &inputs.InvalidError{Err: fmt.Errorf("the line is larger than %d MiB", evidence.MaxSize>>20)}

// readLine reads a line of at most evidence.MaxSize bytes. It skips a longer one, and
// returns errLong.
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
