package object

import (
	"bytes"
	"errors"
	"fmt"
)

// CommitInfo is the part of a commit that pinning needs.
type CommitInfo struct {
	Tree    ID
	Parents []ID
}

// ParseCommit reads the headers that bind a commit to its tree and parents: first
// "tree <id>", then any number of "parent <id>" lines, with ids of the format f. Like Git,
// it accepts ids in capitals. It ignores what follows; [CheckCommit] does not.
func ParseCommit(f Format, content []byte) (CommitInfo, error) {
	var c CommitInfo
	line, rest, ok := bytes.Cut(content, []byte{'\n'})
	if !ok {
		return c, errors.New("commit has no tree header")
	}
	var err error
	if c.Tree, err = f.header(line, "tree "); err != nil {
		return CommitInfo{}, fmt.Errorf("commit: %w", err)
	}
	if len(rest) == 0 {
		return CommitInfo{}, errors.New("commit has only a tree header, which Git does not accept")
	}
	for {
		line, rest, ok = bytes.Cut(rest, []byte{'\n'})
		if !ok || !bytes.HasPrefix(line, []byte("parent ")) {
			return c, nil
		}
		p, err := f.header(line, "parent ")
		if err != nil {
			return CommitInfo{}, fmt.Errorf("commit: %w", err)
		}
		c.Parents = append(c.Parents, p)
	}
}

// TagInfo is the part of an annotated tag that pinning needs.
type TagInfo struct {
	Target ID
	Type   string // "commit" for the tags that matter here
	Name   string
}

// ParseTag reads the first three headers of a tag of the format f: "object", "type" and
// "tag".
func ParseTag(f Format, content []byte) (TagInfo, error) {
	lines := bytes.SplitN(content, []byte{'\n'}, 4)
	if len(lines) < 4 || !bytes.HasPrefix(lines[1], []byte("type ")) || !bytes.HasPrefix(lines[2], []byte("tag ")) {
		return TagInfo{}, errors.New("tag has no object, type and tag headers")
	}
	target, err := f.header(lines[0], "object ")
	if err != nil {
		return TagInfo{}, fmt.Errorf("tag: %w", err)
	}
	return TagInfo{Target: target, Type: string(lines[1][len("type "):]), Name: string(lines[2][len("tag "):])}, nil
}

// header reads the id from a line that is name and an id of the format.
func (f Format) header(line []byte, name string) (ID, error) {
	digits, ok := bytes.CutPrefix(line, []byte(name))
	if !ok || len(digits) != f.Digits() {
		return ID{}, fmt.Errorf("there is no %sheader with an id of %d digits", name, f.Digits())
	}
	id, ok := parseHex(digits)
	if !ok {
		return ID{}, fmt.Errorf("the %sheader has no object id", name)
	}
	return id, nil
}
