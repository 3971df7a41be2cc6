package pack

import (
	"bytes"
	"testing"
)

func FuzzDelta(f *testing.F) {
	base := &memory{[]byte("base!")}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := readDelta(bytes.NewReader(data))
		if err != nil || d.resultSize > 1<<20 {
			return
		}
		var out bytes.Buffer
		if err := d.apply(base, 5, &out); err == nil && int64(out.Len()) != d.resultSize {
			t.Fatalf("%d bytes instead of %d", out.Len(), d.resultSize)
		}
		if int64(out.Len()) > d.resultSize {
			t.Fatal("more came out than was announced")
		}
	})
}
