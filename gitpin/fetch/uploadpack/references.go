package uploadpack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gitlauncher/gitpin/object"
)

// ErrEmpty is a repository without a single reference.
var ErrEmpty = errors.New("the repository is empty")

// FormatError is a repository whose object format is not the pin's, so that it can't hold
// the pin.
type FormatError struct{ Repo, Pin object.Format }

func (e *FormatError) Error() string {
	return fmt.Sprintf("the repository is a %s one, whose ids have %d digits; the pin is a %s id, of %d", e.Repo.Title(), e.Repo.Digits(), e.Pin.Title(), e.Pin.Digits())
}

// UnknownFormatError is a repository of an object format that is not known here.
type UnknownFormatError struct{ Name string }

func (e *UnknownFormatError) Error() string {
	return fmt.Sprintf("the repository's object format is %.40q; SHA-1 and SHA-256 are known", e.Name)
}

// References are what a server advertises (gitprotocol-pack(5), "Reference Discovery").
type References struct {
	Capabilities []string
	Format       object.Format        // of all ids
	ids          map[string]object.ID // of the references that were kept, by full name
	peeled       map[string]object.ID // the commits that annotated tags lead to
	Head         *object.ID
	any          bool // whether there is any reference at all
}

// Has reports whether the server has a capability.
func (r *References) Has(name string) bool {
	return slices.ContainsFunc(r.Capabilities, func(c string) bool {
		n, _, _ := strings.Cut(c, "=")
		return n == name
	})
}

// ID returns the id of a reference that was kept, by its full name.
func (r *References) ID(name string) (object.ID, bool) {
	id, ok := r.ids[name]
	return id, ok
}

func isBranchOrTag(name string) bool {
	return strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/")
}

// Commit returns the commit that a reference leads to. An annotated tag has an id of its
// own, and is advertised together with the commit that it names.
func (r *References) Commit(name string) object.ID {
	if id, ok := r.peeled[name]; ok {
		return id
	}
	return r.ids[name]
}

// Published returns the commits of all branches and tags.
func (r *References) Published() []object.ID {
	var tips []object.ID
	for name := range r.ids {
		if isBranchOrTag(name) {
			tips = append(tips, r.Commit(name))
		}
	}
	return unique(tips)
}

// Tips returns the ids of branches, tags and HEAD as they are advertised. Every server sends
// those.
func (r *References) Tips() []object.ID {
	var tips []object.ID
	for name, id := range r.ids {
		if isBranchOrTag(name) {
			tips = append(tips, id)
		}
	}
	if r.Head != nil {
		tips = append(tips, *r.Head)
	}
	return unique(tips)
}

// unique sorts ids and drops duplicates.
func unique(ids []object.ID) []object.ID {
	slices.SortFunc(ids, object.ID.Compare)
	return slices.Compact(ids)
}

// NewReferences returns the references of a SHA-1 repository that has none yet.
func NewReferences() *References {
	return &References{Format: object.SHA1, ids: make(map[string]object.ID), peeled: make(map[string]object.ID)}
}

// Empty reports whether there is no reference at all.
func (r *References) Empty() bool { return !r.any }

// ReadReferences reads an advertisement, and keeps branches, tags and the reference called
// name. Errors are [ErrEmpty], [ErrTooMuch], [*UnknownFormatError], [*RemoteError],
// [*ProtocolError] and those of from. io.EOF means an answer without a single byte.
func ReadReferences(from io.Reader, name string) (*References, error) {
	p := newPackets(from)
	refs := NewReferences()
	start, err := p.skipService()
	if err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		line, special := start.line, start.special
		if !first {
			if line, special, err = p.next(); err == io.EOF {
				return nil, io.ErrUnexpectedEOF
			} else if err != nil {
				return nil, err
			}
		}
		switch {
		case special && !refs.any:
			return nil, ErrEmpty
		case special:
			return refs, nil
		case first:
			before, capabilities, _ := bytes.Cut(line, []byte{0})
			refs.Capabilities = strings.Fields(string(capabilities))
			if err := refs.setFormat(before); err != nil {
				return nil, err
			}
			line = before
		}
		if err := refs.Add(string(line), name); err != nil {
			return nil, err
		}
	}
}

// setFormat finds out the format of the ids. It is the first that the server lists
// (gitprotocol-capabilities(5)). If the server lists none, it is that of the first id.
func (r *References) setFormat(first []byte) error {
	const key = "object-format="
	i := slices.IndexFunc(r.Capabilities, func(c string) bool { return strings.HasPrefix(c, key) })
	if i < 0 {
		r.Format = object.SHA1
		if id, _, _ := bytes.Cut(first, []byte{' '}); len(id) == object.SHA256.Digits() {
			r.Format = object.SHA256
		}
		return nil
	}
	return r.SetFormat(r.Capabilities[i][len(key):])
}

// SetFormat sets the format by its name in Git. Its error is [*UnknownFormatError].
func (r *References) SetFormat(name string) error {
	for _, f := range object.Formats() {
		if f.String() == name {
			r.Format = f
			return nil
		}
	}
	return &UnknownFormatError{name}
}

// startLine is the first line of an advertisement after what skipService skips.
type startLine struct {
	line    []byte
	special bool
}

// skipService skips what precedes the references: the service's name and a flush, which come
// over HTTP only, and the number of the protocol's version. It returns the line after them.
func (p *packets) skipService() (start startLine, err error) {
	read := func() {
		if err == nil {
			start.line, start.special, err = p.next()
		}
	}
	read()
	if bytes.HasPrefix(start.line, []byte("# service=")) {
		if read(); err == nil && start.special {
			read()
		}
	}
	if string(start.line) == "version 1" {
		read()
	} else if bytes.HasPrefix(start.line, []byte("version ")) {
		return start, &ProtocolError{"the server speaks Git's protocol in a version that it was not asked for"}
	}
	return start, err
}

// Add takes one line, which has an id and a name. It keeps branches, tags and the reference
// called name. Errors are [*ProtocolError].
func (r *References) Add(line, name string) error {
	hex, ref, ok := strings.Cut(line, " ")
	if !ok {
		return &ProtocolError{"the answer is not in Git's protocol: a reference has no name"}
	}
	if hex == "shallow" || ref == "capabilities^{}" {
		return nil
	}
	id, err := object.ParseID(hex)
	if err != nil {
		return &ProtocolError{"the answer is not in Git's protocol: a reference has no valid id"}
	}
	if id.Format() != r.Format {
		return &ProtocolError{fmt.Sprintf("the answer is not in Git's protocol: the repository is a %s one, and a reference's id has %d digits", r.Format.Title(), len(hex))}
	}
	r.any = true
	full, peeled := strings.CutSuffix(ref, "^{}")
	switch {
	case ref == "HEAD":
		r.Head = &id
	case !isBranchOrTag(full) && full != name: // large hosts have one for each pull request
	case peeled:
		r.peeled[full] = id
	default:
		r.ids[full] = id
	}
	return nil
}
