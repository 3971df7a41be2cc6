// Package configfile finds the config of a launch: in an environment variable, or in a
// regular file of bounded size. It is apart from package config so that a program which
// only judges bytes, such as the verifier, links no access to files.
//
// There is at most one config. Two that differ are an error, and so is a file that is
// named while the variable is set. Otherwise a verifier could read one config and the
// launcher follow the other.
package configfile

import (
	"errors"
	"io/fs"

	"gitlauncher/config"
	"gitlauncher/internal/regularfile"
)

// NotFoundError reports a config file that does not exist.
type NotFoundError struct{ Path string }

// Error returns a text that operators search for (doc/deploy.md).
func (e *NotFoundError) Error() string { return "config file not found: " + e.Path }

// TwoError reports a config file although the variable holds a config.
type TwoError struct{ Path, Reason string }

func (e *TwoError) Error() string {
	return "config file " + e.Path + " stands beside the variable " + config.ConfigVariable + ", " + e.Reason
}

// Find returns the config's bytes, and the name to call it by in errors. It looks in the
// variable [config.ConfigVariable], then in the file explicit unless that is empty, then
// in [config.DefaultFile]. lookup is [os.LookupEnv].
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
// refuses a directory, a device, a pipe and a file above [config.MaxSize], and never waits
// for a writer. Errors are *[NotFoundError] or *[config.Error].
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
