package gitpin_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/gittest/habit"
)

// TestOtherFormat: a pin of one format in a repository of the other is refused, and the
// error names both formats. That holds over HTTP and on this machine, even if the pin's
// digits are the beginning of an existing commit's id or continue one.
func TestOtherFormat(t *testing.T) {
	short, long := newHost(t), newHost(t, gittest.SHA256)
	for name, c := range map[string]struct {
		h    *host
		pin  string
		says string
	}{
		"SHA-256 in SHA-1":              {short, strings.Repeat("ab", 32), "the repository is a SHA-1 one, whose ids have 40 digits; the pin is a SHA-256 id, of 64"},
		"a SHA-1 id, and more":          {short, short.Head + strings.Repeat("0", 24), "the repository is a SHA-1 one, whose ids have 40 digits; the pin is a SHA-256 id, of 64"},
		"SHA-1 in SHA-256":              {long, strings.Repeat("ab", 20), "the repository is a SHA-256 one, whose ids have 64 digits; the pin is a SHA-1 id, of 40"},
		"the beginning of a SHA-256 id": {long, long.Head[:40], "the repository is a SHA-256 one, whose ids have 64 digits; the pin is a SHA-1 id, of 40"},
	} {
		for _, url := range []string{c.h.url, c.h.Dir} {
			for _, history := range []bool{false, true} {
				h := *c.h
				h.url = url
				p := h.params(t, c.pin, filepath.Join(t.TempDir(), "work"))
				p.FullHistory = history
				_, err := gitpin.Pin(context.Background(), p)
				var failed *gitpin.FetchError
				if !errors.As(err, &failed) || failed.Reason != fetch.OtherFormat || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s, %s, history %t: %v", name, url, history, err)
				}
			}
		}
	}
}

// liar is a Git host that may lie about its format.
type liar struct {
	first  string // the first line of the advertisement, with capabilities
	answer func(w io.Writer)
}

func (l liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		fmt.Fprint(w, habit.Line("# service=git-upload-pack\n"), "0000", habit.Line(l.first), "0000")
		return
	}
	l.answer(w)
}

// refuses answers a request in words.
func refuses(w io.Writer) { fmt.Fprint(w, habit.Line("ERR upload-pack: not our ref\n")) }

// sends answers a request with a pack.
func sends(pack []byte) func(io.Writer) {
	return func(w io.Writer) {
		fmt.Fprint(w, "0000", habit.Line("NAK\n"), habit.Line("\x01"+string(pack)), "0000")
	}
}

// TestLiesAboutTheFormat: whatever a server says about its format, only the pinned bytes are
// accepted.
// SECURITY.md: G1.
func TestLiesAboutTheFormat(t *testing.T) {
	// A SHA-1 pin is requested at once, so the server's format does not matter.
	atOnce := map[object.Format]string{object.SHA256: "the repository is a SHA-1 one, whose ids have 40 digits; the pin is a SHA-256 id, of 64"}
	cutOff := "the connection ends in the middle of the answer"
	for _, f := range object.Formats() {
		hash, other := gittest.Hash(sha1.New), gittest.Hash(sha256.New)
		if f == object.SHA256 {
			hash, other = other, hash
		}
		named := map[object.Format]string{object.SHA1: "sha1", object.SHA256: "sha256"}
		not := map[object.Format]object.Format{object.SHA1: object.SHA256, object.SHA256: object.SHA1}[f]
		blob := []byte("echo evil\n")
		build := func(ids gittest.Hash, raw func([]byte) []byte) (entries []gittest.PackEntry, commit []byte) {
			tree := []byte("100644 entrypoint.sh\x00" + string(raw(ids.ID("blob", blob))))
			text := fmt.Appendf(nil, "tree %x\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nm\n", ids.ID("tree", tree))
			return []gittest.PackEntry{
				{Type: gittest.PackCommit, Content: text}, {Type: gittest.PackTree, Content: tree}, {Type: gittest.PackBlob, Content: blob},
			}, text
		}
		trailer := map[object.Format]string{object.SHA1: "bad pack: something follows its end", object.SHA256: cutOff}[f]
		whole := func(id []byte) []byte { return id }
		good, commit := build(hash, whole)
		pin := fmt.Sprintf("%x", hash.ID("commit", commit))
		strange, text := build(other, whole)
		strangePin := fmt.Sprintf("%x", hash.ID("commit", text))
		cut, cutText := build(hash, func(id []byte) []byte { return id[:len(id)-1] })
		long, longText := build(hash, func(id []byte) []byte { return append(id, 0) })
		short, shortText := build(hash, func(id []byte) []byte { return id[:20] })
		byID := append(good[:2:2], gittest.PackEntry{Type: gittest.PackRef, BaseID: other.ID("blob", blob), Content: gittest.Delta(len(blob), "")})

		first := func(id, formats string) string { return id + " HEAD\x00shallow side-band-64k" + formats + "\n" }
		honest := first(pin, " object-format="+named[f])
		for name, c := range map[string]struct {
			l    liar
			pin  string
			says string // empty if it is accepted
		}{
			"the truth":                       {liar{honest, sends(hash.Pack(-1, good...))}, pin, ""},
			"the pack's checksum is another":  {liar{honest, sends(other.Pack(-1, good...))}, pin, trailer},
			"the pack is of the other format": {liar{honest, sends(other.Pack(-1, strange...))}, pin, trailer},
			"no checksum at all":              {liar{honest, sends(hash.Pack(-1, good...)[:len(hash.Pack(-1, good...))-f.Size()])}, pin, cutOff},
			"a base of the other format":      {liar{honest, sends(hash.Pack(-1, byID...))}, pin, "bad pack: an object is not valid zlib data"},
			"a commit of the other format":    {liar{honest, sends(hash.Pack(-1, strange...))}, strangePin, fmt.Sprintf("no tree header with an id of %d digits", f.Digits())},
			"an id a byte short in a tree":    {liar{honest, sends(hash.Pack(-1, cut...))}, fmt.Sprintf("%x", hash.ID("commit", cutText)), "an entry is cut off"},
			"an id a byte long in a tree":     {liar{honest, sends(hash.Pack(-1, long...))}, fmt.Sprintf("%x", hash.ID("commit", longText)), "an entry is cut off"},
			"the pin itself, another format":  {liar{first(strings.Repeat("1", not.Digits()), " object-format="+named[not]), sends(hash.Pack(-1, good...))}, pin, atOnce[f]},
			"the other format":                {liar{first(strings.Repeat("1", not.Digits()), " object-format="+named[not]), refuses}, pin, "the pin is a " + f.Title() + " id"},
			"the other format, and this one":  {liar{first(strings.Repeat("1", not.Digits()), " object-format="+named[not]+" object-format="+named[f]), refuses}, pin, "the repository is a " + not.Title() + " one"},
			"this format, and ids of another": {liar{first(strings.Repeat("1", not.Digits()), " object-format="+named[f]), refuses}, pin, "the repository is a " + f.Title() + " one, and a reference's id has " + fmt.Sprint(not.Digits()) + " digits"},
			"no format, and ids of another":   {liar{first(strings.Repeat("1", not.Digits()), ""), refuses}, pin, "the repository is a " + not.Title() + " one"},
			"a format that nobody has":        {liar{first(pin, " object-format=sha512"), refuses}, pin, `the repository's object format is "sha512"`},
			"a format of control characters":  {liar{first(pin, " object-format=\x1b[2J"), refuses}, pin, `the repository's object format is "\x1b[2J"`},
		} {
			t.Run(f.String()+" "+name, func(t *testing.T) { lied(t, c.l, c.pin, c.says) })
		}
		if f == object.SHA256 {
			l := liar{honest, sends(hash.Pack(-1, short...))}
			t.Run("sha256 an id of 20 bytes in a tree", func(t *testing.T) {
				lied(t, l, fmt.Sprintf("%x", hash.ID("commit", shortText)), "an entry is cut off")
			})
		}
	}
}

func lied(t *testing.T, l liar, pin, says string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: l}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	h := &host{url: "http://" + listener.Addr().String() + "/r.git"}
	dir := filepath.Join(t.TempDir(), "work")
	p := h.params(t, pin, dir)
	p.Retries = 0
	c, err := gitpin.Pin(context.Background(), p)
	switch {
	case err == nil && says == "":
		c.Close()
		if got := git(t, dir, "rev-parse", "HEAD") + git(t, dir, "fsck") + git(t, dir, "status", "--porcelain"); got != pin {
			t.Errorf("git says %s", got)
		}
	case err == nil:
		c.Close()
		t.Error("it is accepted")
	case says == "" || !strings.Contains(err.Error(), says):
		t.Errorf("%v", err)
	}
}
