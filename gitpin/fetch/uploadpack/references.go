package uploadpack

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"gitlauncher/gitpin/object"
)

// What a repository may be that can't be fetched from.
var (
	// ErrEmpty is a repository without a single reference.
	ErrEmpty = errors.New("the repository is empty")
	// ErrFormat is one of another format: a pin of 40 digits can't be in a repository whose ids have 64.
	ErrFormat = errors.New("the repository is a SHA-256 one, whose ids have 64 digits; only SHA-1 repositories can be pinned")
)

// References are what a server advertises (gitprotocol-pack(5), "Reference Discovery").
type References struct {
	Capabilities []string
	ids          map[string]object.ID // of branches, tags and, where one was asked for, a name
	peeled       map[string]object.ID // what an annotated tag leads to
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

// isBranchOrTag reports whether a reference is a branch or a tag.
func isBranchOrTag(name string) bool {
	return strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/")
}

// Commit returns what a reference leads to: an annotated tag has an id of its own, and
// is advertised with the commit that it names.
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

// Tips returns branches, tags and HEAD as they are advertised, which any server sends.
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

// unique puts ids in a fixed order, each once.
func unique(ids []object.ID) []object.ID {
	slices.SortFunc(ids, func(a, b object.ID) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(ids)
}

// ReadReferences reads an advertisement, and keeps branches, tags and the reference of
// that name. Errors are ErrEmpty, ErrFormat, [*RemoteError], [*ProtocolError] and the
// reader's; io.EOF is an answer without a single byte.
func ReadReferences(from io.Reader, name string) (*References, error) {
	p := newPackets(from)
	refs := &References{ids: make(map[string]object.ID), peeled: make(map[string]object.ID)}
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
			if i := slices.IndexFunc(refs.Capabilities, func(c string) bool { return strings.HasPrefix(c, "object-format=") }); i >= 0 && refs.Capabilities[i] != "object-format=sha1" {
				return nil, ErrFormat
			}
			line = before
		}
		if err := refs.add(string(line), name); err != nil {
			return nil, err
		}
	}
}

// startLine is the first line of an advertisement proper.
type startLine struct {
	line    []byte
	special bool
}

// skipService skips what stands before the references: over HTTP the service's name
// with a flush, and the number of the protocol's version.
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

// add takes one line: an id and a name.
func (r *References) add(line, name string) error {
	hex, ref, ok := strings.Cut(line, " ")
	if !ok {
		return &ProtocolError{"the answer is not in Git's protocol: a reference has no name"}
	}
	if hex == "shallow" || ref == "capabilities^{}" {
		return nil
	}
	if len(hex) == 64 {
		return ErrFormat
	}
	id, err := object.ParseID(hex)
	if err != nil {
		return &ProtocolError{"the answer is not in Git's protocol: a reference's id is none"}
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
