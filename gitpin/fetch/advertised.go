package fetch

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"gitlauncher/gitpin/object"
)

var (
	errEmpty = errors.New("the repository is empty")
	// errFormat: a pin of 40 digits can't be in a repository whose ids have 64.
	errFormat = errors.New("the repository is a SHA-256 one, whose ids have 64 digits; only SHA-1 repositories can be pinned")
)

// references are what a server advertises (gitprotocol-pack(5), "Reference Discovery").
type references struct {
	capabilities []string
	ids          map[string]object.ID // of branches, tags and, where one was asked for, a name
	peeled       map[string]object.ID // what an annotated tag leads to
	head         *object.ID
	any          bool // whether there is any reference at all
}

// has reports whether the server has a capability.
func (r *references) has(name string) bool {
	return slices.ContainsFunc(r.capabilities, func(c string) bool {
		n, _, _ := strings.Cut(c, "=")
		return n == name
	})
}

// isBranchOrTag reports whether a reference is a branch or a tag.
func isBranchOrTag(name string) bool {
	return strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/")
}

// commit returns what a reference leads to: an annotated tag has an id of its own, and
// is advertised with the commit that it names.
func (r *references) commit(name string) object.ID {
	if id, ok := r.peeled[name]; ok {
		return id
	}
	return r.ids[name]
}

// published returns the commits of all branches and tags.
func (r *references) published() []object.ID {
	var tips []object.ID
	for name := range r.ids {
		if isBranchOrTag(name) {
			tips = append(tips, r.commit(name))
		}
	}
	return unique(tips)
}

// tips returns branches, tags and HEAD as they are advertised, which any server sends.
func (r *references) tips() []object.ID {
	var tips []object.ID
	for name, id := range r.ids {
		if isBranchOrTag(name) {
			tips = append(tips, id)
		}
	}
	if r.head != nil {
		tips = append(tips, *r.head)
	}
	return unique(tips)
}

// unique puts ids in a fixed order, each once.
func unique(ids []object.ID) []object.ID {
	slices.SortFunc(ids, func(a, b object.ID) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(ids)
}

// readReferences reads an advertisement, and keeps branches, tags and the reference of
// that name. Errors are errEmpty, errFormat, [*remoteError], [*protocolError] and the
// reader's; io.EOF is an answer without a single byte.
func readReferences(p *packets, name string) (*references, error) {
	refs := &references{ids: make(map[string]object.ID), peeled: make(map[string]object.ID)}
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
			return nil, errEmpty
		case special:
			return refs, nil
		case first:
			before, capabilities, _ := bytes.Cut(line, []byte{0})
			refs.capabilities = strings.Fields(string(capabilities))
			if i := slices.IndexFunc(refs.capabilities, func(c string) bool { return strings.HasPrefix(c, "object-format=") }); i >= 0 && refs.capabilities[i] != "object-format=sha1" {
				return nil, errFormat
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
		return start, &protocolError{"the server speaks Git's protocol in a version that it was not asked for"}
	}
	return start, err
}

// add takes one line: an id and a name.
func (r *references) add(line, name string) error {
	hex, ref, ok := strings.Cut(line, " ")
	if !ok {
		return &protocolError{"the answer is not in Git's protocol: a reference has no name"}
	}
	if hex == "shallow" || ref == "capabilities^{}" {
		return nil
	}
	if len(hex) == 64 {
		return errFormat
	}
	id, err := object.ParseID(hex)
	if err != nil {
		return &protocolError{"the answer is not in Git's protocol: a reference's id is none"}
	}
	r.any = true
	full, peeled := strings.CutSuffix(ref, "^{}")
	switch {
	case ref == "HEAD":
		r.head = &id
	case !isBranchOrTag(full) && full != name: // large hosts have one for each pull request
	case peeled:
		r.peeled[full] = id
	default:
		r.ids[full] = id
	}
	return nil
}
