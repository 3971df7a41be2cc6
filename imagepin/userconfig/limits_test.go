package userconfig

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestLimits: each limit of a user config can be reached. One more is refused.
func TestLimits(t *testing.T) {
	ports := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("%d:80", i+1))
		}
		return "MPC_IMAGE_NAME=a/b\nPORTS=" + strings.Join(list, ",")
	}
	pull := func(key string, n int) string { return toTOML(fmt.Sprintf("image = 'a/b'\n%s = %d", key, n)) }
	lists := func(levels int) string {
		return toTOML("image = 'a/b'") + "x = " + strings.Repeat("[", levels-1) + "1" + strings.Repeat("]", levels-1) + "\n"
	}
	for _, c := range []struct {
		what        string
		text        func(n int) string
		least       int // 0 if there is no least value
		most        int
		below, says string
	}{
		{"ports", ports, 0, 64, "", "PORTS: has too many entries"},
		{"levels", lists, 0, 64, "", "mpc_node_config: is nested more than 64 levels deep"},
		{"retries", func(n int) string { return pull("pull_max_retries", n) }, 0, 1000, "", "pull_max_retries: is not a whole number between 0 and 1000"},
		{"interval", func(n int) string { return pull("pull_retry_interval_secs", n) }, 1, 3600, "pull_retry_interval_secs: is not a whole number", "pull_retry_interval_secs: is not a whole number between 1 and 3600"},
		{"delay", func(n int) string { return pull("pull_max_delay_secs", n) }, 1, 3600, "pull_max_delay_secs: is not a whole number", "pull_max_delay_secs: is not a whole number between 1 and 3600"},
		{"a host's port", func(n int) string {
			return toTOML(fmt.Sprintf("image = 'a/b'\nport_mappings = [{host = %d, container = 1}]", n))
		}, 1, 65535, "a port is not between", "a port is not between"},
		{"a container's port", func(n int) string {
			return toTOML(fmt.Sprintf("image = 'a/b'\nport_mappings = [{host = 1, container = %d}]", n))
		}, 1, 65535, "a port is not between", "a port is not between"},
	} {
		check := func(n int, says string) {
			_, err := Parse([]byte(c.text(n)))
			var e *Error
			if says == "" && err != nil || says != "" && (!errors.As(err, &e) || !strings.Contains(err.Error(), says)) {
				t.Errorf("%s, %d: %v; want %q", c.what, n, err, says)
			}
		}
		check(c.most-1, "")
		check(c.most, "")
		check(c.most+1, c.says)
		if c.least > 0 {
			check(c.least, "")
			check(c.least-1, c.below)
		}
	}
	// All variables together may have 32 KiB, names and values included.
	for over, reach := range map[int]int{0: 33, 1: 32} {
		var text strings.Builder
		for i := range 32 {
			fmt.Fprintf(&text, "MPC_V%02d=%s\n", i, strings.Repeat("x", 1000))
		}
		c, err := Parse([]byte(text.String() + "MPC_IMAGE_NAME=a/b\nMPC_W=" + strings.Repeat("x", 32<<10-32*1007-5+over)))
		if err != nil || len(c.Env) != reach {
			t.Errorf("%d bytes beyond: %d variables, %v", over, len(c.Env), err)
		}
	}
}
