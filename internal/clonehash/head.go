package clonehash

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	gitconfig "github.com/go-git/go-git/v5/plumbing/format/config"

	"gitlauncher/gitpin/object"
	"gitlauncher/internal/regularfile"
)

// formatOf returns the format of a repository's ids (gitrepository-layout(5)).
func formatOf(git string) (object.Format, error) {
	text, err := regularfile.Read(filepath.Join(git, "config"), maxWord)
	if errors.Is(err, fs.ErrNotExist) {
		return object.SHA1, nil
	}
	if err != nil {
		return 0, fmt.Errorf("its configuration: %w", err)
	}
	cfg := gitconfig.New()
	if err := gitconfig.NewDecoder(bytes.NewReader(text)).Decode(cfg); err != nil {
		return 0, fmt.Errorf("its configuration: %w", err)
	}
	name := cfg.Section("extensions").Option("objectformat")
	for _, f := range object.Formats() {
		if name == f.String() || name == "" {
			return f, nil
		}
	}
	return 0, fmt.Errorf("its object format is %.40q; sha1 and sha256 are known", name)
}

// head returns the commit that HEAD means.
func head(git string) (object.ID, error) {
	const most = 5 // symbolic references on the way, as git follows them
	name := "HEAD"
	for range most {
		text, err := reference(git, name)
		if err != nil {
			return object.ID{}, fmt.Errorf("HEAD: %w", err)
		}
		to, symbolic := strings.CutPrefix(text, "ref:")
		if !symbolic {
			id, err := object.ParseID(text)
			if err != nil {
				return object.ID{}, fmt.Errorf("HEAD: what %s holds %w", name, err)
			}
			return id, nil
		}
		name = strings.TrimSpace(to)
	}
	return object.ID{}, errors.New("HEAD: too many symbolic references")
}

// reference returns what a reference holds, in its own file or in packed-refs.
func reference(git, name string) (string, error) {
	if name != "HEAD" && !strings.HasPrefix(name, "refs/") || !filepath.IsLocal(name) {
		return "", fmt.Errorf("%q is no reference", name)
	}
	text, err := regularfile.Read(filepath.Join(git, name), maxWord)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, regularfile.ErrKind) {
		return "", err
	}
	const maxList = 256 << 20 // bytes; some two million references
	list, err := regularfile.Read(filepath.Join(git, "packed-refs"), maxList)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for line := range strings.Lines(string(list)) {
		if id, ref, _ := strings.Cut(strings.TrimSpace(line), " "); ref == name {
			return id, nil
		}
	}
	return "", fmt.Errorf("there is no %s; name the commit", name)
}
