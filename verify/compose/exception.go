package compose

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
)

// exception lets a policy have what this package refuses. Its name alone would accept
// any content, so it is bound to that: NAME@sha256:HEX, or NAME where the policy pins
// by hash the file that the content is in. VERIFY.md is normative for what is hashed.
type exception struct {
	name  string
	hash  string // of text; "" where the content can't be bound
	text  []byte
	vars  []string // that Compose fills in
	file  bool     // its content is in the compose file
	never bool     // nothing accepts it
}

// bound is the exception as a policy writes it, or the name alone where the content
// can't be bound.
func (e exception) bound() string {
	if e.hash == "" {
		return e.name
	}
	return e.name + "@sha256:" + e.hash
}

func hashBytes(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// acceptance is what a policy says of an exception.
type acceptance int

const (
	unaccepted   acceptance = iota
	otherContent            // bound to another content
	byName                  // by its name, and nothing pins its content
	accepted
)

// acceptance looks an exception up in the policy.
func (j *judge) acceptance(e exception) acceptance {
	if e.never {
		return unaccepted
	}
	best := unaccepted
	for _, allowed := range j.expect.Allow {
		name, hash, bound := strings.Cut(allowed, "@sha256:")
		switch {
		case name != e.name:
		case bound && hash == e.hash, !bound && (j.pinned || e.file && j.filePinned):
			return accepted
		case bound:
			best = max(best, otherContent)
		default:
			best = max(best, byName)
		}
	}
	return best
}

// except adds a Problem that an exception of the policy accepts.
func (j *judge) except(where string, e exception, what, why string) {
	j.add(Problem{Where: where, What: what, Why: why}, e)
}

// open adds a Problem of which nobody says whether it is one.
func (j *judge) open(where string, e exception, what, why string, settle ...string) {
	j.add(Problem{Where: where, What: what, Why: why, Open: true, Settle: settle}, e)
}

func (j *judge) add(p Problem, e exception) {
	p.Name, p.Accept = e.name, e.bound()
	if e.never {
		p.Accept = ""
	} else {
		j.remember(e)
	}
	switch j.acceptance(e) {
	case accepted:
		p.Accepted, p.Open, p.Settle = true, false, nil
		j.Accepted = append(j.Accepted, p.Accept)
		defer j.needVariables(p.Where, e)
	case byName:
		p.Open, p.Settle = true, e.settle(j)
		p.Why += "; ALLOW_COMPOSE accepts it by its name alone, and so whatever it is"
	case otherContent:
		p.Why += "; ALLOW_COMPOSE accepts another content of that name"
	case unaccepted:
		if p.Open && !e.never {
			p.Settle = append(p.Settle, "ALLOW_COMPOSE="+p.Accept)
		}
	}
	j.Problems = append(j.Problems, p)
}

// settle are lines of which each binds a bare name to its content.
func (e exception) settle(j *judge) (lines []string) {
	if e.hash != "" {
		lines = append(lines, "ALLOW_COMPOSE="+e.bound())
	}
	if e.file {
		return append(lines, "DOCKER_COMPOSE_SHA256="+j.DockerComposeSHA256)
	}
	return append(lines, "COMPOSE_HASH="+j.hash)
}

// needVariables adds the variables that Compose fills into what was accepted: whoever
// deploys chooses their values, and a hash does not have them.
func (j *judge) needVariables(where string, e exception) {
	for _, name := range e.vars {
		j.variable(where, name, "what is accepted has ${"+name+"} in it")
	}
}

// variable adds a Problem if ALLOWED_ENVS does not have a variable.
func (j *judge) variable(where, name, what string) {
	const why = "whoever deploys chooses its value, unmeasured"
	p := Problem{Where: where, Name: "allowed_env:" + name, What: what, Why: why}
	switch {
	case slices.Contains(j.expect.Envs, name):
		return
	case !j.expect.EnvsGiven:
		p.Open, p.Settle = true, []string{"ALLOWED_ENVS=" + name}
	default:
		p.Why = "ALLOWED_ENVS does not have it; " + why
	}
	if !slices.ContainsFunc(j.Problems, func(q Problem) bool { return q.Where == p.Where && q.What == p.What && q.Name == p.Name }) {
		j.Problems = append(j.Problems, p)
	}
}

// remember keeps an exception for Explain.
func (j *judge) remember(e exception) {
	if !slices.ContainsFunc(j.exceptions, func(have Exception) bool { return have.Name == e.name }) {
		j.exceptions = append(j.exceptions, Exception{Name: e.name, Bound: e.bound(), Content: e.text})
	}
}

// Exception is what an exception would accept.
type Exception struct {
	Name  string
	Bound string // as ALLOW_COMPOSE takes it: NAME@sha256:HEX
	// Content is what is hashed: a script's bytes, or canonical JSON. Nil where the
	// content can't be bound.
	Content []byte
}

// String is for people: JSON is indented.
func (e Exception) String() string {
	var indented bytes.Buffer
	if json.Indent(&indented, e.Content, "", "  ") == nil {
		return indented.String()
	}
	return string(e.Content)
}

// canonical returns a value as RFC 8785 writes it.
func canonical(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return jsoncanonicalizer.Transform(b.Bytes())
}

// valueException is that of an app-compose's field.
func valueException(name string, value json.RawMessage) exception {
	e := exception{name: name}
	if text, err := jsoncanonicalizer.Transform(wrap(value)); err == nil {
		e.text = bytes.TrimSuffix(bytes.TrimPrefix(text, []byte("[")), []byte("]"))
		e.hash = hashBytes(e.text)
	}
	return e
}

// wrap puts a value into a list: the canonicalizer takes no scalars.
func wrap(value json.RawMessage) []byte { return slices.Concat([]byte("["), value, []byte("]")) }

// appProblem adds a Problem of an app-compose's field.
func (j *judge) appProblem(name string, value json.RawMessage, what, why string) {
	j.except("app-compose", valueException(name, value), what, why)
}

// partException is that of a part of a service, or of all of it: the part with every
// definition that it refers to, as the file has them after aliases and merges.
// networks says that its networks are part of it, the default one too.
func (j *judge) partException(name string, part map[string]any, networks bool) exception {
	e := exception{name: name, file: true}
	content := j.model.definitions(part, networks)
	content["service"] = part
	e.vars = variables(content)
	if _, extends := part["extends"]; extends {
		return e // what it takes over is elsewhere
	}
	if text, err := canonical(content); err == nil {
		e.text, e.hash = text, hashBytes(text)
	}
	return e
}

// keyException is that of one key of the launcher's service.
func (j *judge) keyException(key string) exception {
	part := make(map[string]any)
	if value, there := j.model.raw(j.Service)[key]; there {
		part[key] = value
	}
	return j.partException("launcher:"+key, part, key == "networks")
}

// topException is that of a top-level key of the compose file.
func (j *judge) topException(key string) exception {
	part := map[string]any{key: j.model.file[key]}
	e := exception{name: key, file: true, vars: variables(part)}
	if text, err := canonical(part); err == nil {
		e.text, e.hash = text, hashBytes(text)
	}
	return e
}

// definitions are the top-level definitions that a service, or a part of it, refers
// to: all four kinds are there, if only empty.
func (m *model) definitions(service map[string]any, networks bool) map[string]any {
	out := make(map[string]any)
	for _, kind := range []string{"configs", "secrets", "volumes", "networks"} {
		all, _ := m.file[kind].(map[string]any)
		defs := make(map[string]any)
		for _, name := range references(kind, service[kind]) {
			if def, there := all[name]; there {
				defs[name] = def
			}
		}
		if _, mode := service["network_mode"]; kind == "networks" && networks && service[kind] == nil && !mode {
			if def, there := all["default"]; there {
				defs["default"] = def
			}
		}
		out[kind] = defs
	}
	return out
}

// references are the names by which a service refers to definitions of a kind, in
// short or long form.
func references(kind string, value any) (names []string) {
	switch value := value.(type) {
	case map[string]any:
		return slices.Sorted(maps.Keys(value))
	case []any:
		for _, entry := range value {
			switch entry := entry.(type) {
			case string:
				if kind == "volumes" {
					entry, _, _ = strings.Cut(entry, ":")
				}
				names = append(names, entry)
			case map[string]any:
				name, _ := entry["source"].(string)
				names = append(names, name)
			}
		}
	}
	return names
}

// variable is a $ that Compose fills in, and the name behind it, if there is one.
var variable = regexp.MustCompile(`\$\$|\$\{?([A-Za-z_][A-Za-z0-9_]*)?`)

// variables are the names of what Compose fills into a value, sorted.
func variables(v any) []string {
	found := make(map[string]bool)
	collectVariables(v, found)
	return slices.Sorted(maps.Keys(found))
}

func collectVariables(v any, into map[string]bool) {
	switch v := v.(type) {
	case string:
		for _, m := range variable.FindAllStringSubmatch(v, -1) {
			if m[0] != "$$" {
				into[m[1]] = true
			}
		}
	case []any:
		for _, e := range v {
			collectVariables(e, into)
		}
	case map[string]any:
		for key, e := range v {
			collectVariables(key, into)
			collectVariables(e, into)
		}
	}
}

// describe is a value in a sentence.
func describe(v any) string { return fmt.Sprintf("%.100s", fmt.Sprint(v)) }
