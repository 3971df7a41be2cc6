package fetch

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// TestHeaded: the number of objects is told once, wherever the bytes are cut.
func TestHeaded(t *testing.T) {
	pack := "PACK\x00\x00\x00\x02\x00\x00\x01\x02rest"
	for size := 1; size <= len(pack); size++ {
		var told []uint32
		h := &headed{r: strings.NewReader(pack), told: func(n uint32) { told = append(told, n) }}
		var out bytes.Buffer
		if _, err := io.CopyBuffer(struct{ io.Writer }{&out}, struct{ io.Reader }{h}, make([]byte, size)); err != nil || out.String() != pack || len(told) != 1 || told[0] != 258 {
			t.Errorf("in pieces of %d: %v, %v, %q", size, err, told, out.String())
		}
	}
}
