package compose

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// The bounds on a compose file beyond its size.
const (
	maxWork  = 1 << 20 // see walk
	maxPorts = 1 << 16 // compose-go writes out each port of a range
)

// nodeCost is what any node costs, in bytes of a path.
const nodeCost = 16

// portRange is the last part of a port that is a range.
var portRange = regexp.MustCompile(`([0-9]+)-([0-9]+)(?:/[^/]*)?$`)

// plain refuses what versions of Docker Compose read differently: a second
// document, which older ones pass over, and the tags by which documents undo each
// other. It also refuses what would make reading endless.
func plain(data []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return err
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return errors.New("has more than one YAML document, and not every Docker Compose reads the same from that")
	}
	return new(walk).node(&document, 0, false)
}

// walk adds up what reading a document costs, those parts behind aliases each
// time: the length of each node's path, which compose-go takes apart once for
// each of its rules, and the square of each mapping's keys, which YAML's reader
// compares each with each. Without a bound on that, 18 KB took a minute.
type walk struct{ work, ports int }

// node adds a node whose path has so many bytes.
func (w *walk) node(n *yaml.Node, path int, ports bool) error {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	w.work += nodeCost + path
	if keys := len(n.Content) / 2; n.Kind == yaml.MappingNode {
		w.work += keys * keys
	}
	if w.work > maxWork {
		return errors.New("is too much to judge: an alias within itself, or too many keys side by side, too many levels or too long names (a mapping may have 1,000 keys)")
	}
	if n.Tag == "!reset" || n.Tag == "!override" {
		return errors.New("has the tag " + n.Tag + ", and not every Docker Compose reads the same from that")
	}
	if ports && n.Kind == yaml.ScalarNode {
		if w.ports += width(n.Value); w.ports > maxPorts {
			return errors.New("has too many ports to write out")
		}
	}
	for i, child := range n.Content {
		under, below := ports, path+len(".[]")
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			key := n.Content[i-1]
			for key.Kind == yaml.AliasNode && key.Alias != nil {
				key = key.Alias
			}
			under, below = key.Value == "ports", path+len(".")+len(key.Value)
		}
		if err := w.node(child, below, under); err != nil {
			return err
		}
	}
	return nil
}

// width is how many ports a range has beyond one; no port is longer than 256
// bytes, or further than 65,535 from another.
func width(port string) int {
	if len(port) > 256 {
		return maxPorts + 1
	}
	m := portRange.FindStringSubmatch(port)
	if m == nil {
		return 0
	}
	from, _ := strconv.Atoi(m[1])
	to, _ := strconv.Atoi(m[2])
	return min(max(to-from, 0), 1<<16)
}
