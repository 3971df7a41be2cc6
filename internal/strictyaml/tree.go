package strictyaml

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	yaml3 "gopkg.in/yaml.v3"
)

// The bounds on a document's tree.
const (
	maxDepth = 64
	maxWork  = 1 << 20 // see cost
	maxBytes = 1 << 20 // of the scalars, counted again for each alias
	nodeCost = 16      // cost of any node, and of any part of its path, in bytes of a path
	maxExact = 1 << 53 // integers beyond it are not exact in a double
)

// tree checks the two readers' trees of one document against each other and
// against the rules of this package.
type tree struct {
	place
	anchors map[string]bool
}

func newTree(data []byte) *tree {
	return &tree{place: place{data: data, line: 1, column: 1}, anchors: make(map[string]bool)}
}

// check refuses a document.
func (t *tree) check(older *yaml3.Node, newer *yaml.Node) error {
	if len(older.Content) != 1 || len(newer.Content) != 1 || newer.Content[0].Kind != yaml.MappingNode {
		return refuse(0, "is not a mapping")
	}
	if err := t.node(older.Content[0], newer.Content[0], 0); err != nil {
		return err
	}
	return new(cost).node(newer.Content[0], 0, 0)
}

// node compares two nodes, and judges what is the same in both.
func (t *tree) node(a *yaml3.Node, b *yaml.Node, depth int) error {
	if depth > maxDepth {
		return refuse(b.Line, "is too much to judge: it is nested more than %d levels deep", maxDepth)
	}
	if uint32(a.Kind) != uint32(b.Kind) || a.Value != b.Value || a.Tag != b.Tag || a.Anchor != b.Anchor || a.Line != b.Line ||
		uint32(a.Style) != uint32(b.Style) || len(a.Content) != len(b.Content) {
		return refuse(b.Line, "is read as two different things by the two YAML readers of Docker Compose")
	}
	if err := t.properties(b); err != nil {
		return err
	}
	switch b.Kind {
	case yaml.AliasNode:
		return alias(a, b)
	case yaml.ScalarNode:
		return scalar(b)
	case yaml.MappingNode:
		if err := keys(b); err != nil {
			return err
		}
	case yaml.SequenceNode:
	default:
		return refuse(b.Line, "has a node of an unknown kind")
	}
	for i, child := range b.Content {
		err := error(nil)
		if b.Kind == yaml.MappingNode && i%2 == 0 && merges(child) && a.Content[i].Value == child.Value {
			err = t.start(child) // the rest is judged by keys
		} else {
			err = t.node(a.Content[i], child, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// properties refuses tags, and anchors that readers take differently.
func (t *tree) properties(n *yaml.Node) error {
	if n.Style&yaml.TaggedStyle != 0 {
		return refuse(n.Line, "has the tag %.60q; tags change what a reader makes of a value, and not for every reader", n.Tag)
	}
	if n.Anchor != "" {
		if strings.Trim(n.Anchor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
			return refuse(n.Line, "has the anchor %.60q; an anchor's name may have letters, digits, “-” and “_”", n.Anchor)
		}
		if t.anchors[n.Anchor] {
			return refuse(n.Line, "has the anchor %.60q for a second time", n.Anchor)
		}
		t.anchors[n.Anchor] = true
	}
	return t.start(n)
}

// start compares a node with the bytes at its place. Both readers drop a lone “!”,
// which makes a value a string in YAML, so only the bytes show it.
func (t *tree) start(n *yaml.Node) error {
	rest := t.at(n.Line, n.Column)
	name := "*" + n.Value
	if n.Anchor != "" {
		name = "&" + n.Anchor
	}
	if after, ok := bytes.CutPrefix(rest, []byte(name)); ok && (n.Anchor != "" || n.Kind == yaml.AliasNode) {
		if len(after) > 0 && !strings.ContainsRune(" \t\r\n,]}", rune(after[0])) {
			return refuse(n.Line, "has %.60q with %q after it, which is part of the name to some readers", name, after[0])
		}
		if n.Anchor != "" {
			rest = skip(after)
		}
	}
	first := byte('\n')
	if len(rest) > 0 {
		first = rest[0]
	}
	var want string
	switch {
	case first == '!':
		return refuse(n.Line, "has a tag; tags change what a reader makes of a value, and not for every reader")
	case n.Kind == yaml.AliasNode:
		want = "*"
	case n.Kind == yaml.ScalarNode && n.Style&yaml.DoubleQuotedStyle != 0:
		want = `"`
	case n.Kind == yaml.ScalarNode && n.Style&yaml.SingleQuotedStyle != 0:
		want = "'"
	case n.Kind == yaml.ScalarNode && n.Style&yaml.LiteralStyle != 0:
		want = "|"
	case n.Kind == yaml.ScalarNode && n.Style&yaml.FoldedStyle != 0:
		want = ">"
	case n.Kind == yaml.ScalarNode && n.Value != "":
		want = n.Value[:1]
	case n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0:
		want = "{"
	case n.Kind == yaml.SequenceNode && n.Style&yaml.FlowStyle != 0:
		want = "["
	case n.Kind == yaml.SequenceNode:
		want = "-"
	}
	if want != "" && first != want[0] {
		return refuse(n.Line, "begins with %q where a node that begins with %q is read", first, want)
	}
	return nil
}

// skip drops the blanks, line breaks and comments before the next sign.
func skip(rest []byte) []byte {
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		if len(rest) == 0 || rest[0] != '#' {
			return rest
		}
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
}

// alias compares what two aliases stand for; the anchor's own nodes are compared
// where they are.
func alias(a *yaml3.Node, b *yaml.Node) error {
	if a.Alias == nil || b.Alias == nil || a.Alias.Line != b.Alias.Line || a.Alias.Column != b.Alias.Column || a.Alias.Anchor != b.Alias.Anchor {
		return refuse(b.Line, "has an alias that stands for two different things")
	}
	return nil
}

// scalar refuses values that depend on the reader.
func scalar(n *yaml.Node) error {
	switch n.Tag {
	case "!!str", "!!bool", "!!null":
		return nil
	case "!!int", "!!float":
		var v any
		if err := n.Decode(&v); err != nil {
			return refuse(n.Line, "has the number %.60q: %v", n.Value, err)
		}
		switch v := v.(type) {
		case int:
			if v > -maxExact && v < maxExact {
				return nil
			}
		case float64:
			if !math.IsInf(v, 0) && !math.IsNaN(v) {
				return nil
			}
		}
		return refuse(n.Line, "has the number %.60q, which not every reader holds exactly; quote it", n.Value)
	case "!!timestamp":
		return refuse(n.Line, "has the date %.60q, which is a string to some readers and a moment to others; quote it", n.Value)
	case "!!merge":
		return refuse(n.Line, "has “<<” where it merges nothing; quote it")
	}
	return refuse(n.Line, "has a value of the type %.60q", n.Tag)
}

// merges reports whether a key is a plain <<.
func merges(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Tag == "!!merge" && key.Value == "<<" && key.Style == 0 && key.Anchor == ""
}

// keys judges the keys of a mapping.
func keys(mapping *yaml.Node) error {
	seen := make(map[string]int, len(mapping.Content)/2)
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		switch {
		case key.Kind == yaml.AliasNode:
			return refuse(key.Line, "has an alias for a key")
		case key.Kind != yaml.ScalarNode:
			return refuse(key.Line, "has a key that is not a string")
		case key.Anchor != "":
			return refuse(key.Line, "has an anchor on a key")
		case key.Style&yaml.TaggedStyle != 0:
			return refuse(key.Line, "has the tag %.60q on a key; readers differ on what that makes of it", key.Tag)
		case merges(key):
			if !mergeable(value) {
				return refuse(key.Line, "merges something other than a mapping or a list of mappings")
			}
		case key.Value == "<<":
			return refuse(key.Line, "has the key “<<” in another form than plain; some readers merge it")
		case key.Tag != "!!str":
			return refuse(key.Line, "has the key %.60q, which is not a string to every reader; quote it", key.Value)
		}
		if line, twice := seen[key.Value]; twice {
			return refuse(key.Line, "has the key %.60q, which line %d has, too", key.Value, line)
		}
		seen[key.Value] = key.Line
	}
	return nil
}

// mergeable reports whether the value of << is a mapping, or a list of them.
func mergeable(value *yaml.Node) bool {
	isMapping := func(n *yaml.Node) bool {
		return n.Kind == yaml.MappingNode || n.Kind == yaml.AliasNode && n.Alias != nil && n.Alias.Kind == yaml.MappingNode
	}
	return isMapping(value) || value.Kind == yaml.SequenceNode && !slices.ContainsFunc(value.Content, func(n *yaml.Node) bool { return !isMapping(n) })
}

// place finds the bytes of a node. Nodes come in the order of the text, so it almost
// always goes forward.
type place struct {
	data                 []byte
	offset, line, column int
}

// at returns the text from a line and a column on. Both count from 1, columns in
// characters.
func (p *place) at(line, column int) []byte {
	if line < p.line || line == p.line && column < p.column {
		p.offset, p.line, p.column = 0, 1, 1
	}
	for p.line < line {
		i := bytes.IndexByte(p.data[p.offset:], '\n')
		if i < 0 {
			return nil
		}
		p.offset, p.line, p.column = p.offset+i+1, p.line+1, 1
	}
	for p.column < column && p.offset < len(p.data) {
		_, size := utf8.DecodeRune(p.data[p.offset:])
		p.offset, p.column = p.offset+size, p.column+1
	}
	return p.data[p.offset:]
}

// cost adds up what reading a document costs, with what an alias stands for each time:
// the length of each node's path, which compose-go splits once for each of its rules;
// the square of the number of each mapping's keys, since the libraries compare each
// with each; and the bytes of the scalars. Without a bound on that, 18 KB took a
// minute.
type cost struct {
	work, bytes int
	within      []*yaml.Node // anchored nodes around this one
}

// node adds a node whose path has this many bytes and dots.
func (c *cost) node(n *yaml.Node, path, dots int) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Anchor != "" {
		if slices.Contains(c.within, n) {
			return refuse(n.Line, "has an alias within itself")
		}
		c.within = append(c.within, n)
		defer func() { c.within = c.within[:len(c.within)-1] }()
	}
	c.work += nodeCost + path + nodeCost*dots
	c.bytes += len(n.Value)
	if keys := len(n.Content) / 2; n.Kind == yaml.MappingNode {
		c.work += keys * keys
	}
	if c.work > maxWork || c.bytes > maxBytes {
		return refuse(n.Line, "is too much to judge: too many keys side by side, too many levels, too long names or too many aliases (a mapping may have some 900 keys)")
	}
	for i, child := range n.Content {
		name := "[]"
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			name = n.Content[i-1].Value
		}
		if err := c.node(child, path+len(".")+len(name), dots+1+strings.Count(name, ".")); err != nil {
			return err
		}
	}
	return nil
}
