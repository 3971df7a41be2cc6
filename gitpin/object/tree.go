package object

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Mode is the mode of a tree entry, in the canonical form that Git writes today. A tree can
// have other forms; see [ParseTree].
type Mode uint32

// The modes that Git makes.
const (
	ModeDir     Mode = 0o040000
	ModeFile    Mode = 0o100644
	ModeExec    Mode = 0o100755
	ModeSymlink Mode = 0o120000
	ModeGitlink Mode = 0o160000 // a submodule's commit
)

// Entry is one entry of a tree.
type Entry struct {
	Mode Mode
	Name string // raw bytes, never empty, never with a slash
	ID   ID
}

// maxName is the longest file name of Linux, in bytes.
const maxName = 255

// TreeError says why a tree can't be put on disk safely. Git refuses such trees, too.
type TreeError struct {
	Name   string // of the entry; empty where the tree itself is malformed
	Reason string
}

func (e *TreeError) Error() string {
	if e.Name == "" {
		return "unsafe tree: " + e.Reason
	}
	return fmt.Sprintf("unsafe tree: entry %.80q %s", e.Name, e.Reason)
}

// ParseTree reads a tree of the format f and refuses every entry that Git's fsck refuses:
// names that mean .git to some file system, "." and "..", empty names and names with a
// slash, duplicates, wrong order, malformed modes. It reads unusual modes, about which Git
// warns ([CheckTree]), as Git does. Errors are *[TreeError].
func ParseTree(f Format, content []byte) ([]Entry, error) {
	count, names := f.shape(content)
	entries := make([]Entry, 0, count)
	for len(content) > 0 {
		e, rest, err := f.parseEntry(content, names)
		if err != nil {
			return nil, err
		}
		names = names[len(e.Name):]
		if n := len(entries); n > 0 && !before(entries[n-1], e) {
			return nil, &TreeError{e.Name, "is out of order or a duplicate of the entry before it"}
		}
		entries = append(entries, e)
		content = rest
	}
	if err := noClash(entries); err != nil {
		return nil, err
	}
	return entries, nil
}

// shape counts the entries of a tree and joins their names, so that a large tree needs two
// allocations rather than one for each entry.
func (f Format) shape(content []byte) (count int, names string) {
	var all strings.Builder
	for {
		_, name, rest, ok := f.cutEntry(content)
		if !ok {
			return count, strings.Clone(all.String()) // without spare capacity
		}
		all.Write(name)
		count, content = count+1, rest
	}
}

// cutEntry cuts off the first entry of a tree. rest is what follows the entry's id.
func (f Format) cutEntry(content []byte) (digits, name, rest []byte, ok bool) {
	head, rest, ended := bytes.Cut(content, []byte{0})
	digits, name, blank := bytes.Cut(head, []byte{' '})
	if !ended || !blank || len(rest) < f.Size() {
		return nil, nil, nil, false
	}
	return digits, name, rest[f.Size():], true
}

// parseEntry reads the first entry of a tree. names begins with the entry's name.
func (f Format) parseEntry(content []byte, names string) (Entry, []byte, error) {
	digits, name, rest, ok := f.cutEntry(content)
	if !ok {
		return Entry{}, nil, &TreeError{"", "an entry is cut off"}
	}
	e := Entry{Name: names[:len(name)], ID: f.ID(content[len(content)-len(rest)-f.Size():])}
	var err error
	if e.Mode, err = parseMode(digits); err != nil {
		return Entry{}, nil, &TreeError{e.Name, err.Error()}
	}
	if reason := unsafeName(e.Name); reason != "" {
		return Entry{}, nil, &TreeError{e.Name, reason}
	}
	if e.Mode == ModeSymlink && isDotFile(e.Name, ".gitmodules", "gitmod", "gi7eba") {
		return Entry{}, nil, &TreeError{e.Name, "is a symbolic link where Git wants a file"}
	}
	if e.ID.IsZero() {
		return Entry{}, nil, &TreeError{e.Name, "has an id of zeros"}
	}
	return e, rest, nil
}

// parseMode reads an octal mode as Git does. Of any number of digits, only the last sixteen
// bits count. Of these, only the kind counts, and for a file the owner's execute bit. Git
// takes every other kind for a gitlink.
func parseMode(digits []byte) (Mode, error) {
	if len(digits) == 0 {
		return 0, errors.New("has no mode")
	}
	var m Mode
	for _, c := range digits {
		if c < '0' || c > '7' {
			return 0, errors.New("has a malformed mode")
		}
		m = m<<3 | Mode(c-'0')
	}
	const kind, file, ownerExecutes = 0o170000, 0o100000, 0o100
	switch {
	case m&kind == file && m&ownerExecutes != 0:
		return ModeExec, nil
	case m&kind == file:
		return ModeFile, nil
	case m&kind == ModeDir, m&kind == ModeSymlink:
		return m & kind, nil
	}
	return ModeGitlink, nil
}

// before reports whether a comes before b in a tree. The order is bytewise, as if a
// directory's name ended in a slash (Git's base_name_compare).
func before(a, b Entry) bool {
	return sortName(a) < sortName(b)
}

func sortName(e Entry) string {
	if e.Mode == ModeDir {
		return e.Name + "/"
	}
	return e.Name
}

// noClash refuses a file and a directory of the same name. A directory sorts as if its name
// ended in a slash, so other names can be between the two, and the order does not reveal
// them. The file's name is a prefix of all names between.
func noClash(entries []Entry) error {
	var prefixes []string // names of files that begin the current name
	for _, e := range entries {
		for n := len(prefixes); n > 0 && !strings.HasPrefix(e.Name, prefixes[n-1]); n-- {
			prefixes = prefixes[:n-1]
		}
		if e.Mode != ModeDir {
			prefixes = append(prefixes, e.Name)
		} else if slices.Contains(prefixes, e.Name) {
			return &TreeError{e.Name, "is both a file and a directory"}
		}
	}
	return nil
}

// EachID calls fn with the mode and id of every entry of a tree of the format f. It checks
// only that the tree consists of entries. It is for the trees of history, which are never
// put on disk, so that their oddities do no harm.
func EachID(f Format, content []byte, fn func(mode Mode, id ID)) error {
	for len(content) > 0 {
		digits, _, rest, ok := f.cutEntry(content)
		if !ok {
			return &TreeError{"", "an entry is cut off"}
		}
		mode, err := parseMode(digits)
		if err != nil {
			return &TreeError{"", "an entry " + err.Error()}
		}
		fn(mode, f.ID(content[len(content)-len(rest)-f.Size():]))
		content = rest
	}
	return nil
}
