package submodule

import (
	"bytes"
	"fmt"
	"strings"
)

// MaxSize is how many bytes .gitmodules may have: 1 MiB (doc/limits.md). A thousand
// submodules take some 150 KiB.
const MaxSize = 1 << 20

// entry is what .gitmodules says about one name. It keeps every value of a key.
type entry struct {
	name              string
	path, url, update []string
}

// entries reads .gitmodules as git reads a configuration file, and keeps what a clone needs.
// The entries are in the order of their first lines.
func entries(content []byte) ([]*entry, error) {
	if len(content) > MaxSize {
		return nil, fmt.Errorf("is larger than %d MiB", MaxSize>>20)
	}
	if bytes.IndexByte(content, 0) >= 0 {
		return nil, fmt.Errorf("has a NUL byte")
	}
	var all []*entry
	byName := make(map[string]*entry)
	s := &scanner{rest: bytes.ReplaceAll(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")), []byte("\r\n"), []byte("\n")), line: 1}
	for {
		line := s.line
		key, value, err := s.variable()
		if err != nil {
			return nil, fmt.Errorf("can't be read: line %d %w", line, err)
		}
		if key == "" {
			return all, nil
		}
		section, rest, _ := strings.Cut(key, ".")
		dot := strings.LastIndexByte(rest, '.')
		if section != "submodule" || dot < 0 {
			continue
		}
		name, item := rest[:dot], rest[dot+1:]
		e := byName[name]
		if e == nil {
			e = &entry{name: name}
			byName[name] = e
			all = append(all, e)
		}
		into, known := map[string]*[]string{"path": &e.path, "url": &e.url, "update": &e.update}[item]
		if !known {
			continue
		}
		if value == nil {
			return nil, fmt.Errorf("can't be read: line %d has a %s without a value", line, item)
		}
		*into = append(*into, string(value))
	}
}

// Values returns all values of a key, in their order. The key is section.name, and content is
// a file in the syntax of .gitmodules. A key without a value has an empty one.
func Values(content []byte, key string) (values []string, err error) {
	if len(content) > MaxSize {
		return nil, fmt.Errorf("is larger than %d MiB", MaxSize>>20)
	}
	s := &scanner{rest: bytes.ReplaceAll(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")), []byte("\r\n"), []byte("\n")), line: 1}
	for {
		line := s.line
		found, value, err := s.variable()
		switch {
		case err != nil:
			return nil, fmt.Errorf("can't be read: line %d %w", line, err)
		case found == "":
			return values, nil
		case found == key:
			values = append(values, string(value))
		}
	}
}

// scanner reads the syntax of git-config(1).
type scanner struct {
	rest    []byte
	line    int
	section string // the prefix of names: ends with a dot, or is empty
}

// next returns the next byte. After the last one, it returns line feeds.
func (s *scanner) next() byte {
	if len(s.rest) == 0 {
		return '\n'
	}
	c := s.rest[0]
	s.rest = s.rest[1:]
	if c == '\n' {
		s.line++
	}
	return c
}

func (s *scanner) skipComment() {
	for s.next() != '\n' {
	}
}

// variable reads the next variable. key is its full name, section included, or empty if there
// are no more variables. value is nil if no = follows the name.
func (s *scanner) variable() (key string, value []byte, err error) {
	for len(s.rest) > 0 {
		switch c := s.next(); {
		case isSpace(c):
		case c == '#' || c == ';':
			s.skipComment()
		case c == '[':
			if err := s.header(); err != nil {
				return "", nil, err
			}
		case isAlpha(c):
			return s.assignment(c)
		default:
			return "", nil, fmt.Errorf("begins with a character that no name begins with")
		}
	}
	return "", nil, nil
}

// header reads a section header after its opening bracket: [section], [section.sub] or
// [section "sub"].
func (s *scanner) header() error {
	var name []byte
	c := s.next()
	for ; isName(c) || c == '.'; c = s.next() {
		name = append(name, lower(c))
	}
	if c == ' ' || c == '\t' || c == '\r' {
		for c == ' ' || c == '\t' || c == '\r' {
			c = s.next()
		}
		if c != '"' {
			return fmt.Errorf("has a section header without quotes around its second part")
		}
		name = append(name, '.')
		for c = s.next(); c != '"'; c = s.next() {
			if c == '\\' {
				c = s.next()
			}
			if c == '\n' {
				return fmt.Errorf("has a section header that does not end")
			}
			name = append(name, c)
		}
		c = s.next()
	}
	if c != ']' || len(name) == 0 {
		return fmt.Errorf("has a malformed section header")
	}
	s.section = string(name) + "."
	return nil
}

// assignment reads a variable whose name begins with c.
func (s *scanner) assignment(c byte) (key string, value []byte, err error) {
	var name []byte
	for ; isName(c); c = s.next() {
		name = append(name, lower(c))
	}
	for c == ' ' || c == '\t' {
		c = s.next()
	}
	key = s.section + string(name)
	switch c {
	case '\n':
		return key, nil, nil
	case '=':
		value, err = s.value()
		return key, value, err
	}
	return "", nil, fmt.Errorf("has something other than = after a name")
}

// value reads a value. It drops quotes, comments, and blanks around the value, and keeps
// blanks inside it. A backslash at the end of a line joins the next line to it.
func (s *scanner) value() ([]byte, error) {
	value := []byte{} // not nil: an empty value is a value
	quoted, keep := false, 0
	for {
		c := s.next()
		switch {
		case c == '\n' && quoted:
			return nil, fmt.Errorf("has a quote that does not end")
		case c == '\n':
			return value[:keep], nil
		case isSpace(c) && !quoted:
			if len(value) > 0 {
				value = append(value, c)
			}
			continue
		case (c == '#' || c == ';') && !quoted:
			s.skipComment()
			return value[:keep], nil
		case c == '"':
			quoted = !quoted
		case c == '\\':
			switch c = s.next(); c {
			case '\n':
			case 't', 'b', 'n', '\\', '"':
				value = append(value, map[byte]byte{'t': '\t', 'b': '\b', 'n': '\n', '\\': '\\', '"': '"'}[c])
			default:
				return nil, fmt.Errorf("has an escape that Git does not know")
			}
		default:
			value = append(value, c)
		}
		keep = len(value)
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
func isAlpha(c byte) bool { return 'a' <= lower(c) && lower(c) <= 'z' }
func isName(c byte) bool  { return isAlpha(c) || '0' <= c && c <= '9' || c == '-' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
