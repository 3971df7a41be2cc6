package exception

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
)

// Exception is something in a compose that a policy may accept.
type Exception struct {
	Name string
	// Content is what is hashed: a script's bytes, or canonical JSON. It is nil if the
	// content can't be bound.
	Content []byte
	Vars    []string // variables that Docker Compose fills into the content
	File    bool     // the content is in the compose file
	Never   bool     // nothing accepts it
}

// separator stands between a name and the hash that it is bound to.
const separator = "@sha256:"

// Bound returns the exception as ALLOW_COMPOSE takes it: NAME@sha256:HEX, or only the
// name if the content can't be bound.
func (e Exception) Bound() string {
	if e.Content == nil {
		return e.Name
	}
	return e.Name + separator + Hash(e.Content)
}

// String returns the content for people: JSON is indented.
func (e Exception) String() string {
	var indented bytes.Buffer
	if json.Indent(&indented, e.Content, "", "  ") == nil {
		return indented.String()
	}
	return string(e.Content)
}

// NameOf returns the name of an exception that may be bound.
func NameOf(allowed string) string {
	name, _, _ := strings.Cut(allowed, separator)
	return name
}

// Hash returns SHA-256 in lowercase hex.
func Hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// OfText returns the exception of a script, which is bound to its bytes.
func OfText(name string, text []byte) Exception { return Exception{Name: name, Content: text} }

// OfJSON returns the exception of a JSON value, which is bound to its canonical form
// (RFC 8785). A value without one can't be bound.
func OfJSON(name string, value json.RawMessage) Exception {
	// The canonicalizer takes no scalars, so the value is in a list while it works.
	text, err := jsoncanonicalizer.Transform(slices.Concat([]byte("["), value, []byte("]")))
	if err != nil {
		return Exception{Name: name}
	}
	return Exception{Name: name, Content: bytes.TrimSuffix(bytes.TrimPrefix(text, []byte("[")), []byte("]"))}
}

// Of returns the exception of a value of strings, numbers, truth values, nil, []any and
// map[string]any, such as strictyaml decodes.
func Of(name string, value any) Exception {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return Exception{Name: name}
	}
	return OfJSON(name, text.Bytes())
}

// Policy is what a policy says about exceptions.
type Policy struct {
	Allow []string // NAME or NAME@sha256:HEX
	// The policy pins the app-compose by its hash, or the compose file in it.
	AppPinned, FilePinned bool
}

// Answer is what a policy says about one exception.
type Answer int

// The answers, from the worst to the best.
const (
	Unaccepted   Answer = iota
	OtherContent        // another content of that name is accepted
	ByName              // the name is accepted, and nothing pins the content
	Accepted
)

// On returns the policy's answer about an exception.
func (p Policy) On(e Exception) Answer {
	best := Unaccepted
	if e.Never {
		return best
	}
	for _, allowed := range p.Allow {
		switch {
		case NameOf(allowed) != e.Name:
		case allowed == e.Bound() && e.Content != nil, allowed == e.Name && (p.AppPinned || e.File && p.FilePinned):
			return Accepted
		case allowed == e.Name:
			best = max(best, ByName)
		default:
			best = max(best, OtherContent)
		}
	}
	return best
}
