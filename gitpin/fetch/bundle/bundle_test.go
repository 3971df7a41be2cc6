package bundle_test

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"gitlauncher/gitpin/fetch/bundle"
	"gitlauncher/gitpin/fetch/uploadpack"
)

const id = "0123456789abcdef0123456789abcdef01234567"

// TestHeader: the header is read up to the pack, and not a byte further.
func TestHeader(t *testing.T) {
	for _, start := range []string{"# v2 git bundle\n", "# v3 git bundle\n", "# v3 git bundle\n@object-format=sha1\n"} {
		r := bufio.NewReader(strings.NewReader(start + id + " refs/heads/main\n" + id + " HEAD\n" + id + " refs/pull/1\n\nPACK"))
		refs, err := bundle.ReadHeader(r, "")
		if err != nil {
			t.Fatalf("%q: %v", start, err)
		}
		if main, ok := refs.ID("refs/heads/main"); !ok || main.String() != id || refs.Head == nil || len(refs.Tips()) != 1 {
			t.Errorf("%q: %v", start, refs)
		}
		if rest, err := io.ReadAll(r); err != nil || string(rest) != "PACK" {
			t.Errorf("%q: %q is left: %v", start, rest, err)
		}
	}
}

// TestFormats: all ids are of the format that the header names.
func TestFormats(t *testing.T) {
	const long = id + "0123456789abcdef01234567"
	for text, says := range map[string]string{
		"@object-format=sha256\n" + long + " HEAD\n\n": "",
		"@object-format=sha256\n" + id + " HEAD\n\n":   "has a reference without a valid id",
		"@object-format=sha1\n" + long + " HEAD\n\n":   "has a reference without a valid id",
		long + " HEAD\n\n":                             "has a reference without a valid id",
		"@object-format=sha256\n-" + long + " x\n\n":   "holds what came after commit " + long,
		"@object-format=sha3\n" + id + " HEAD\n\n":     `the repository's object format is "sha3"`,
		"@filter=blob:none\n" + id + " HEAD\n\n":       `was made with a filter ("blob:none") and lacks files`,
		id + " \n\n":                                   "has a reference without a name",
		id + "\n\n":                                    "has a reference without a name",
		id + " HE\x00AD\n\n":                           "has a reference without a name",
		id + " HEAD\r\n\n":                             "has a reference without a name",
		"@filters=x\n" + id + " HEAD\n\n":              `needs a capability that is not known here: "filters"`,
		id + " HEAD\n@object-format=sha1\n\n":          "has a capability where none may stand",
	} {
		_, err := bundle.ReadHeader(bufio.NewReader(strings.NewReader("# v3 git bundle\n"+text)), "")
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, not %q", text, err, says)
		}
	}
}

// TestBounds: the longest line and the longest header are read. One byte more is refused.
// SECURITY.md: G10.
func TestBounds(t *testing.T) {
	const start, line = 16, 64 << 10
	ref := id + " refs/heads/"
	long := ref + strings.Repeat("x", line-len(ref)-1) + "\n"
	for text, says := range map[string]string{
		long + "\n":       "",
		"x" + long + "\n": "has a line of more than 64 KiB",
		strings.Repeat(long, 127) + long[:line-start-2] + "\n\n":  "",
		strings.Repeat(long, 127) + long[:line-start-2] + "x\n\n": "has a header of more than 8 MiB",
		strings.Repeat(long, 129):                                 "has a header of more than 8 MiB",
	} {
		_, err := bundle.ReadHeader(bufio.NewReader(strings.NewReader("# v2 git bundle\n"+text)), "")
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%d bytes: %v, not %q", len(text), err, says)
		}
	}
}

// FuzzReadHeader: no header is read beyond its end, and every refusal has one of the
// documented types.
func FuzzReadHeader(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		r := bufio.NewReader(strings.NewReader(text))
		refs, err := bundle.ReadHeader(r, "refs/x")
		if err == nil {
			rest, _ := io.ReadAll(r)
			if header := text[:len(text)-len(rest)]; !strings.HasSuffix(header, "\n\n") || strings.Contains(strings.TrimSuffix(header, "\n"), "\n\n") || refs.Empty() {
				t.Fatalf("%q is taken for a header", header)
			}
			return
		}
		var refused *bundle.Error
		var protocol *uploadpack.ProtocolError
		var format *uploadpack.UnknownFormatError
		if refs != nil || !errors.As(err, &refused) && !errors.As(err, &protocol) && !errors.As(err, &format) && !errors.Is(err, uploadpack.ErrEmpty) {
			t.Fatalf("%T: %v", err, err)
		}
	})
}
