package pack_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"

	"gitlauncher/gitpin/pack"
	"gitlauncher/internal/gittest"
)

// TestZlib: an entry is refused by its fault if it is not zlib data, if its length is not that
// in its header, or if its checksum is wrong. This holds for small and large entries, for whole
// objects and deltas, and for the last entry and others.
func TestZlib(t *testing.T) {
	deflated := func(n int) []byte {
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		w.Write(make([]byte, n))
		w.Close()
		return z.Bytes()
	}
	changed := func(b []byte, at int, to byte) []byte {
		b = bytes.Clone(b)
		b[at] ^= to
		return b
	}
	const early = "" // the content ends before the bytes that were announced
	base := blob("base")
	for _, size := range []int{100, 5 << 20} { // held in memory, and streamed
		good := deflated(size)
		for name, tc := range map[string]struct {
			raw  []byte
			says string
		}{
			"no header":                   {[]byte("xx"), "an object is not valid zlib data"},
			"another method":              {append([]byte{0x79, 0x9c}, good[2:]...), "an object is not valid zlib data"},
			"a dictionary":                {append([]byte{0x78, 0xbb}, good[2:]...), "an object is not valid zlib data"},
			"a header with a wrong check": {changed(good, 1, 1), "an object is not valid zlib data"},
			"another checksum":            {changed(good, len(good)-1, 1), "an object is not valid zlib data"},
			"a block of no kind":          {[]byte{0x78, 0x9c, 0x07, 0, 0, 0, 0}, "an object is not valid zlib data"},
			"a byte less":                 {deflated(size - 1), early},
			"a byte more":                 {deflated(size + 1), "an object is longer than its header says"},
			"nothing":                     {deflated(0), "an object is shorter than its header says"},
		} {
			for _, typ := range []int{gittest.PackBlob, gittest.PackOfs} {
				for _, after := range [][]gittest.PackEntry{nil, {blob("after")}} {
					data := gittest.Pack(-1, append([]gittest.PackEntry{base, {Type: typ, Base: 0, Size: size, RawZlib: tc.raw}}, after...)...)
					_, err := read(t, data, wide)
					var bad *pack.Error
					if tc.says == early {
						if !errors.Is(err, io.ErrUnexpectedEOF) && !(errors.As(err, &bad) && typ == gittest.PackOfs) {
							t.Errorf("%d bytes, type %d, %d after it, %s: %v", size, typ, len(after), name, err)
						}
						continue
					}
					if !errors.As(err, &bad) || bad.Reason != tc.says && !(typ == gittest.PackOfs && strings.HasPrefix(bad.Reason, "a delta ")) {
						t.Errorf("%d bytes, type %d, %d after it, %s: %v; want %q", size, typ, len(after), name, err, tc.says)
					}
				}
			}
		}
	}
}

// TestHeaders: an entry is refused if its header is cut off or names no type.
func TestHeaders(t *testing.T) {
	for _, tc := range []struct {
		head string
		says string // a part of the *pack.Error's text; empty for a pack that ends too early
	}{
		{"", ""}, {"\xb0", ""}, {"\xb0\x80", ""}, {"\x60", ""}, {"\x60\x80", ""}, {"\x70", ""}, {"\x70" + strings.Repeat("i", 19), ""},
		{"\x00", "an entry has the unknown type 0"}, {"\x50", "an entry has the unknown type 5"},
		{"\xbf" + strings.Repeat("\xff", 7), ""}, {"\xbf" + strings.Repeat("\xff", 9), "an object's size is out of all bounds"},
	} {
		for _, before := range [][]gittest.PackEntry{nil, {blob("before")}} {
			data := gittest.Pack(len(before)+1, before...)
			data = append(data[:len(data)-20], tc.head...)
			_, err := read(t, data, wide)
			var bad *pack.Error
			if tc.says == "" && (!errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &bad)) || tc.says != "" && (!errors.As(err, &bad) || !strings.Contains(bad.Reason, tc.says)) {
				t.Errorf("%q after %d entries: %v; want %q", tc.head, len(before), err, tc.says)
			}
		}
	}
}
