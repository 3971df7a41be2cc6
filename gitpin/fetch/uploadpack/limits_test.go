package uploadpack

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// TestLimits: how much a server may say before a pack, beside it and in one line. One byte
// more is refused.
func TestLimits(t *testing.T) {
	full := strings.Repeat("x", 65516) // with its length, 65,520
	before := func(bytes int) error {
		p := newPackets(io.MultiReader(strings.NewReader(strings.Repeat(lines(full), bytes/65520)), strings.NewReader(lines(strings.Repeat("y", bytes%65520-4)))))
		for {
			if _, _, err := p.next(); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
	}
	line := func(bytes int) error {
		_, _, err := newPackets(strings.NewReader(lines(strings.Repeat("x", bytes-4)))).next()
		return err
	}
	beside := func(bytes int) error {
		said := 0
		text := strings.NewReader(lines("NAK\n") + strings.Repeat(lines("\x02"+strings.Repeat("x", 1<<15)), bytes>>15) + lines("\x02"+strings.Repeat("x", bytes&(1<<15-1)), "\x01PACK", ""))
		pack, err := (&Request{Capabilities: []string{"side-band-64k"}}).Answer(text, func(text []byte) { said += len(text) })
		if err != nil {
			return err
		}
		got, err := io.ReadAll(pack)
		if err == nil && (said != bytes || string(got) != "PACK") {
			t.Errorf("%d bytes beside the pack became %d, and the pack %q", bytes, said, got)
		}
		return err
	}
	for _, c := range []struct {
		what  string
		limit int
		read  func(bytes int) error
		says  string
	}{
		{"before the pack", 64 << 20, before, ErrTooMuch.Error()},
		{"in a line", 65520, line, "a line has the length 65521"},
		{"beside the pack", 16 << 20, beside, "the server says too much beside the pack"},
	} {
		for _, bytes := range []int{c.limit - 1, c.limit} {
			if err := c.read(bytes); err != nil {
				t.Errorf("%d bytes %s: %v", bytes, c.what, err)
			}
		}
		if err := c.read(c.limit + 1); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%d bytes %s: %v; want %q", c.limit+1, c.what, err, c.says)
		}
	}
	var broken *ProtocolError
	for head, wrong := range map[string]bool{"0000": false, "0001": false, "0002": false, "0003": true, "0004": false, "fff0": false, "fff1": true, "FFF1": true, "00g0": true, "000/": true, "000:": true, "000`": true, "000@": true} {
		if _, _, err := newPackets(strings.NewReader(head + full)).next(); errors.As(err, &broken) != wrong {
			t.Errorf("a line that begins with %s: %v", head, err)
		}
	}
}
