// Package configfile reads a config file from disk: a regular file of bounded
// size, or an error. It stands apart from package config so that programs which
// only judge bytes (the verifier) link no file access.
package configfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"gitlauncher/config"
)

// NotFoundError is a config file that is not there.
type NotFoundError struct{ Path string }

// Error has a text that operators look for (README.md).
func (e *NotFoundError) Error() string { return "config file not found: " + e.Path }

// Read returns the file's bytes. It follows a symbolic link, since mounts use them. It
// refuses a directory, a device and a pipe, and waits for nobody to write into one.
// Errors are *[NotFoundError] or *[config.Error].
func Read(path string) ([]byte, error) {
	refuse := func(reason string) ([]byte, error) {
		return nil, &config.Error{File: path, Reason: reason}
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotFoundError{Path: path}
	}
	if err != nil {
		return refuse(fmt.Sprintf("can't be opened: %v", errors.Unwrap(err)))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return refuse("is not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, config.MaxSize+1))
	if err != nil {
		return refuse(fmt.Sprintf("can't be read: %v", err))
	}
	return data, nil
}
