package config

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"

	"gitlauncher/internal/digest"
	"gitlauncher/internal/environ"
)

// slip names what was hardly meant to be part of a value: a blank at either end, and a
// comment after it. Only the shell reads the two commands, so these may have both.
func slip(key, v string) error {
	switch {
	case key == "RUN_CMD", key == "INSTALL_CMD":
		return nil
	case strings.Contains(v, " #"), strings.Contains(v, "\t#"):
		return errors.New("has a comment after its value; put the comment on its own line")
	case strings.TrimRight(v, " \t") != v:
		return errors.New("has a blank at its end")
	case strings.TrimLeft(v, " \t") != v:
		return errors.New("has a blank after the =")
	}
	return nil
}

// RelPath is a path inside a repository: relative, without "..".
type RelPath struct{ raw, clean string }

// String returns the path as the config has it, which is what gets measured.
func (p RelPath) String() string { return p.raw }

// Clean returns the path without "." and empty components; "" is the root.
func (p RelPath) Clean() string { return p.clean }

// ParseRelPath reads a path inside a repository. The empty path is the root.
func ParseRelPath(v string) (RelPath, error) {
	if strings.HasPrefix(v, "/") {
		return RelPath{}, fmt.Errorf("must be relative to the repository")
	}
	for part := range strings.SplitSeq(v, "/") {
		if part == ".." {
			return RelPath{}, fmt.Errorf("must not have a .. component, which could leave the repository")
		}
	}
	clean := path.Clean(v)
	if clean == "." {
		clean = ""
	}
	return RelPath{raw: v, clean: clean}, nil
}

// oneOf reads a switch, by its words for off and on.
func oneOf(v, off, on string) (bool, error) {
	if v != off && v != on {
		return false, fmt.Errorf("is neither %s nor %s", off, on)
	}
	return v == on, nil
}

func absPath(v string) (string, error) {
	if !strings.HasPrefix(v, "/") {
		return "", fmt.Errorf("must be an absolute path")
	}
	for part := range strings.SplitSeq(v, "/") {
		if part == ".." {
			return "", fmt.Errorf("must not have a .. component")
		}
	}
	return path.Clean(v), nil
}

// envNames reads a comma-separated list of variable names. A name may end in %%, since
// bash exports a function f as BASH_FUNC_f%%.
func envNames(v string) ([]string, error) {
	if v == "" {
		return nil, nil
	}
	names := strings.Split(v, ",")
	for _, name := range names {
		switch id := strings.TrimSuffix(name, "%%"); {
		case id == "":
			return nil, errors.New("has an empty name in its list")
		case !variableName().MatchString(id):
			return nil, errors.New("is not a list of variable names, separated by commas without blanks")
		}
	}
	return names, nil
}

var variableName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

// ParseVariable reads the name of a variable whose value the deployer may choose. It
// refuses the names of variables that steer the launcher, bash, the loader or Git.
func ParseVariable(v string) (string, error) {
	switch {
	case !variableName().MatchString(v):
		return "", errors.New("is not the name of a variable (a value must not stand here)")
	case environ.Filtered(v) || v == "PLATFORM":
		return "", errors.New("names a variable that means something else to the launcher or to bash; choose another name")
	}
	return v, nil
}

func parseSum(v string) (digest.SHA256, error) {
	sum, err := digest.ParseHex(v)
	if err == nil && sum.IsZero() {
		err = errors.New("is all zeros, which is no file's hash")
	}
	return sum, err
}
