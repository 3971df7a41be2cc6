package strictyaml_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gitlauncher/internal/strictyaml"
)

// TestLimits: the largest document, the deepest, the one with the most signs of
// structure and the mapping with the most keys are read. One more of each is refused.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		what  string
		most  int
		write func(n int) string
		says  string
	}{
		{"bytes", 256 << 10, func(n int) string { return "a: 1\n" + strings.Repeat("#", n-len("a: 1\n")) }, "is larger than 256 KiB"},
		{"levels", 64, func(n int) string { return "a: " + strings.Repeat("[", n) + strings.Repeat("]", n) }, "is nested more than 64 levels deep"},
		{"signs of structure", 1 << 15, func(n int) string { return "a: 1" + strings.Repeat(" #", n-1) }, "it has more than 32768 signs of structure"},
		{"short keys", 988, func(n int) string {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, "k%d: 1\n", i)
			}
			return b.String()
		}, "is too much to judge: too many keys side by side"},
	} {
		for n, says := range map[int]string{c.most - 1: "", c.most: "", c.most + 1: c.says} {
			_, err := strictyaml.Decode([]byte(c.write(n)))
			var refused *strictyaml.Error
			if says == "" && err != nil || says != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), says)) {
				t.Errorf("%d %s: %v; want %q", n, c.what, err, says)
			}
		}
	}
}
