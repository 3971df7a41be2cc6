package model

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// maxPorts bounds the ports of a file: compose-go writes out each port of a range,
// and spends some 3 KB on it.
const maxPorts = 1 << 13

// portRange is the last part of a port that is a range.
var portRange = regexp.MustCompile(`([0-9]+)-([0-9]+)(?:/[^/]*)?$`)

// checkPorts refuses more ports than may be written out.
func checkPorts(file map[string]any) error {
	if countPorts(file, false) > maxPorts {
		return errors.New("has too many ports to write out")
	}
	return nil
}

// countPorts adds up the scalars below a key “ports”, by their width.
func countPorts(v any, ports bool) (n int) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			n += countPorts(e, ports)
		}
	case map[string]any:
		for key, e := range v {
			n += countPorts(e, ports || key == "ports")
		}
	case nil:
	default:
		if ports {
			return width(fmt.Sprint(v))
		}
	}
	return n
}

// width returns how many ports a range has beyond the first, up to 65,536. A text of
// more than 256 bytes is no port, and counts as too many.
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
