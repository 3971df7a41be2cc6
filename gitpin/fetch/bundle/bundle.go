// Package bundle reads the header of a bundle: a file that `git bundle create` writes, which
// lists references and then holds a pack. In a bundle, a repository reaches a machine without
// a network.
//
// The threat is a file from strangers. The size of its header is bounded, and everything that
// the format does not have is refused. A bundle that needs more than it holds, because it has
// prerequisites or was filtered, is refused here; otherwise it would fail later for a
// missing object.
//
// The package does not read the pack that follows the header, and does not check what the
// references say.
//
// Format: gitformat-bundle(5), versions 2 and 3.
package bundle

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gitlauncher/gitpin/fetch/uploadpack"
	"gitlauncher/gitpin/object"
)

// Bounds of a header.
const (
	maxHeader = 8 << 20  // bytes; some 100,000 references
	maxLine   = 64 << 10 // bytes of one line; as many as a packet of Git's protocol has
)

// Error is a bundle that can't be fetched from. Of the file's own bytes it quotes at most an
// id, and the name or value of a capability.
type Error struct{ What string }

func (e *Error) Error() string { return "the bundle " + e.What }

func refuse(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// ReadHeader reads a header, and keeps the branches, the tags and the reference called name.
// The next byte of r is the first of the pack. Errors are [*Error], [uploadpack.ErrEmpty],
// [*uploadpack.UnknownFormatError], [*uploadpack.ProtocolError], and those of r.
func ReadHeader(r *bufio.Reader, name string) (*uploadpack.References, error) {
	h := &header{from: r, left: maxHeader, refs: uploadpack.NewReferences(), name: name}
	line, err := h.line()
	switch {
	case err != nil:
		return nil, err
	case line == "# v3 git bundle":
		h.capabilities = true
	case strings.HasPrefix(line, "# v") && strings.HasSuffix(line, " git bundle") && line != "# v2 git bundle":
		return nil, refuse("has a version other than 2 and 3")
	case line != "# v2 git bundle":
		return nil, refuse("does not begin with # v2 git bundle or # v3 git bundle, as every bundle does")
	}
	for {
		line, err := h.line()
		switch {
		case err != nil:
			return nil, err
		case line == "" && h.refs.Empty():
			return nil, uploadpack.ErrEmpty
		case line == "":
			return h.refs, nil
		}
		if err := h.take(line); err != nil {
			return nil, err
		}
	}
}

// header is a header of which a part has been read.
type header struct {
	from         *bufio.Reader
	left         int  // bytes that may still come
	capabilities bool // whether the next line may be a capability
	refs         *uploadpack.References
	name         string // of a reference to keep besides branches and tags
}

// line reads a line, and returns it without its newline.
func (h *header) line() (string, error) {
	var line []byte
	for {
		part, err := h.from.ReadSlice('\n')
		h.left -= len(part)
		switch {
		case h.left < 0:
			return "", refuse("has a header of more than %d MiB", maxHeader>>20)
		case len(line)+len(part) > maxLine:
			return "", refuse("has a line of more than %d KiB in its header", maxLine>>10)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return string(bytes.TrimSuffix(line, []byte("\n"))), nil
		case err == io.EOF:
			return "", refuse("is cut off in its header")
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}

// take takes one line. The empty line that ends the header is not for it.
func (h *header) take(line string) error {
	switch line[0] {
	case '@':
		return h.capability(line[1:])
	case '-':
		id, _, _ := strings.Cut(line[1:], " ")
		if parsed, err := object.ParseID(id); err != nil || parsed.Format() != h.refs.Format {
			return refuse("has a prerequisite that is not the id of a commit")
		}
		return refuse("holds what came after commit %s, and not that commit itself; make one with the whole history: git bundle create FILE REF", id)
	}
	h.capabilities = false
	id, ref, ok := strings.Cut(line, " ")
	if !ok || ref == "" || strings.ContainsAny(ref, "\x00\r") {
		return refuse("has a reference without a name in its header")
	}
	if parsed, err := object.ParseID(id); err != nil || parsed.Format() != h.refs.Format {
		return refuse("has a reference without a valid id in its header")
	}
	return h.refs.Add(line, h.name)
}

// capability takes a capability. Only version 3 has them, before all other lines.
func (h *header) capability(text string) error {
	key, value, _ := strings.Cut(text, "=")
	switch {
	case !h.capabilities:
		return refuse("has a capability where none may stand")
	case key == "object-format":
		return h.refs.SetFormat(value)
	case key == "filter":
		return refuse("was made with a filter (%.40q) and lacks files; make one without", value)
	}
	return refuse("needs a capability that is not known here: %.40q", key)
}
