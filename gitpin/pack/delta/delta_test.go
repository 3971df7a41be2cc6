package delta

import (
	"bytes"
	"testing"
)

func FuzzDelta(f *testing.F) {
	base := &Memory{[]byte("base!")}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Read(bytes.NewReader(data))
		if err != nil || d.ResultSize > 1<<20 {
			return
		}
		var out bytes.Buffer
		if err := d.Apply(base, 5, &out); err == nil && int64(out.Len()) != d.ResultSize {
			t.Fatalf("%d bytes instead of %d", out.Len(), d.ResultSize)
		}
		if int64(out.Len()) > d.ResultSize {
			t.Fatal("more came out than was announced")
		}
	})
}
