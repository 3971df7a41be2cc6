// Package configfile finds the config of a launch: in a variable, or in a regular file
// of bounded size. It stands apart from package config so that programs which only judge
// bytes (the verifier) link no file access.
//
// There is one config or none: two that differ, or one that is named beside another, are
// an error. Otherwise a verifier could read the one and the launcher follow the other.
package configfile

import (
	"errors"
	"io/fs"

	"gitlauncher/config"
	"gitlauncher/internal/regularfile"
)

// NotFoundError is a config file that is not there.
type NotFoundError struct{ Path string }

// Error has a text that operators look for (README.md).
func (e *NotFoundError) Error() string { return "config file not found: " + e.Path }

// TwoError is a config beside another one.
type TwoError struct{ Path, Reason string }

func (e *TwoError) Error() string {
	return "config file " + e.Path + " stands beside the variable " + config.ConfigVariable + ", " + e.Reason
}

// Find returns the config's bytes, and what to call it in errors. It is in the variable
// [config.ConfigVariable], else in the file named explicitly, else in
// [config.DefaultFile]. lookup is [os.LookupEnv].
//
// Errors are those of [Read], and *[TwoError].
func Find(explicit string, lookup func(string) (string, bool)) (name string, data []byte, err error) {
	return find(explicit, config.DefaultFile, lookup)
}

func find(explicit, byDefault string, lookup func(string) (string, bool)) (name string, data []byte, err error) {
	text, inVariable := lookup(config.ConfigVariable)
	switch {
	case inVariable && explicit != "":
		return "", nil, &TwoError{explicit, "which already holds the config"}
	case inVariable:
		beside, err := Read(byDefault)
		var none *NotFoundError
		switch {
		case errors.As(err, &none):
		case err != nil:
			return "", nil, err
		case string(beside) != text:
			return "", nil, &TwoError{byDefault, "and differs from it"}
		}
		return config.ConfigVariable, []byte(text), nil
	case explicit != "":
		byDefault = explicit
	}
	data, err = Read(byDefault)
	return byDefault, data, err
}

// Read returns the file's bytes. It follows a symbolic link, since mounts use them. It
// refuses a directory, a device and a pipe, and waits for nobody to write into one.
// Errors are *[NotFoundError] or *[config.Error].
func Read(path string) ([]byte, error) {
	data, err := regularfile.Read(path, config.MaxSize)
	var file *fs.PathError
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, &NotFoundError{Path: path}
	case errors.As(err, &file):
		return nil, &config.Error{File: path, Reason: "can't be read: " + file.Err.Error()}
	}
	return nil, &config.Error{File: path, Reason: err.Error()}
}
