package uploadpack

import (
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"gitlauncher/gitpin/object"
)

const (
	oid1 = "1111111111111111111111111111111111111111"
	oid2 = "2222222222222222222222222222222222222222"
	oid3 = "3333333333333333333333333333333333333333"

	long1 = oid1 + "111111111111111111111111"
	long2 = oid2 + "222222222222222222222222"
)

func id(t testing.TB, hex string) object.ID {
	t.Helper()
	id, err := object.ParseID(hex)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// lines returns texts as pkt-lines. An empty text is a flush.
func lines(texts ...string) string {
	var b []byte
	for _, s := range texts {
		if s == "" {
			b = append(b, "0000"...)
		} else {
			b = appendPacket(b, s)
		}
	}
	return string(b)
}

func TestReadReferences(t *testing.T) {
	refs, err := ReadReferences(strings.NewReader(lines(
		"# service=git-upload-pack\n", "", "version 1\n",
		oid1+" HEAD\x00multi_ack side-band-64k object-format=sha1 symref=HEAD:refs/heads/main agent=git/2\n",
		oid1+" refs/heads/main\n", oid2+" refs/pull/1/head\n", oid2+" refs/tags/v1\n", oid3+" refs/tags/v1^{}\n", oid1+" refs/pull/2/head\n",
		"shallow "+oid3+"\n", "",
	)), "refs/pull/2/head")
	if err != nil {
		t.Fatal(err)
	}
	if !refs.Has("multi_ack") || !refs.Has("agent") || refs.Has("multi") || *refs.Head != id(t, oid1) {
		t.Errorf("%+v", refs)
	}
	if len(refs.ids) != 3 || refs.ids["refs/pull/2/head"] != id(t, oid1) || refs.Commit("refs/tags/v1") != id(t, oid3) || refs.Commit("refs/heads/main") != id(t, oid1) {
		t.Errorf("%v", refs.ids)
	}
	if tips := refs.Tips(); len(tips) != 2 || tips[0] != id(t, oid1) || tips[1] != id(t, oid2) {
		t.Errorf("tips are %v", tips)
	}
	if tips := refs.Published(); len(tips) != 2 || tips[1] != id(t, oid3) {
		t.Errorf("published are %v", tips)
	}
}

// TestFormats: the format of the ids is the first that the server lists. If it lists none, it
// is that of the first id.
func TestFormats(t *testing.T) {
	for answer, want := range map[string]object.Format{
		lines(oid1+" HEAD\x00agent=x\n", ""):                                           object.SHA1,
		lines(oid1+" HEAD\x00object-format=sha1 object-format=sha256\n", ""):           object.SHA1,
		lines(long1+" HEAD\x00object-format=sha256 object-format=sha1\n", ""):          object.SHA256,
		lines(long1+" HEAD\x00agent=x\n", long2+" refs/heads/main\n", ""):              object.SHA256,
		lines(long1+" HEAD\x00object-format=sha256\n", long2+" refs/heads/main\n", ""): object.SHA256,
	} {
		refs, err := ReadReferences(strings.NewReader(answer), "")
		if err != nil || refs.Format != want || refs.Head.Format() != want {
			t.Errorf("%q: %+v, %v", answer, refs, err)
		}
	}
}

// TestReferencesRefused: an answer that is not an advertisement is refused by what it is.
func TestReferencesRefused(t *testing.T) {
	for what, of := range map[string]struct {
		answer string
		want   error  // the error itself, if it has no type of its own
		says   string // otherwise a part of its text
	}{
		"nothing":                    {"", io.EOF, ""},
		"a flush":                    {lines(""), ErrEmpty, ""},
		"no references":              {lines("# service=git-upload-pack\n", "", strings.Repeat("0", 40)+" capabilities^{}\x00agent=git/2\n", ""), ErrEmpty, ""},
		"cut off":                    {lines(oid1 + " HEAD\x00agent=x\n"), io.ErrUnexpectedEOF, ""},
		"cut off in a line":          {"0040" + oid1, io.ErrUnexpectedEOF, ""},
		"SHA-256, and an id of 40":   {lines(oid1 + " HEAD\x00object-format=sha256\n"), nil, "the repository is a SHA-256 one, and a reference's id has 40 digits"},
		"SHA-1, and an id of 64":     {lines(long1 + " HEAD\x00object-format=sha1 object-format=sha256\n"), nil, "the repository is a SHA-1 one, and a reference's id has 64 digits"},
		"no format, and ids of both": {lines(oid1+" HEAD\x00agent=x\n", long1+" refs/heads/main\n"), nil, "the repository is a SHA-1 one, and a reference's id has 64 digits"},
		"an id of 41":                {lines(oid1 + "1 HEAD\x00agent=x\n"), nil, "a reference has no valid id"},
		"a format of nobody's":       {lines(oid1 + " HEAD\x00object-format=sha512\n"), nil, "the repository's object format is \"sha512\""},
		"a format without a name":    {lines(oid1 + " HEAD\x00object-format=\n"), nil, "the repository's object format is \"\""},
		"a version not asked":        {lines("version 2\n", "agent=x\n", ""), nil, "in a version that it was not asked for"},
		"a server's own words":       {lines("ERR access denied\n"), nil, "the server says: access denied"},
		"no name":                    {lines(oid1, ""), nil, "a reference has no name"},
		"no id":                      {lines("xyz refs/heads/main", ""), nil, "a reference has no valid id"},
		"capitals":                   {lines(strings.Repeat("A", 40)+" refs/heads/main", ""), nil, "a reference has no valid id"},
		"no length":                  {"hello world", nil, "has \"hell\" where a length is due"},
		"a length of 3":              {"0003", nil, "a line has the length 3"},
		"a length that is large":     {"fff1" + strings.Repeat("x", 65521), nil, "a line has the length 65521"},
		"more than there may be":     {strings.Repeat(lines(oid1+" refs/heads/"+strings.Repeat("x", 60000)), maxBefore/60000+1), ErrTooMuch, ""},
	} {
		_, err := ReadReferences(strings.NewReader(of.answer), "")
		if of.want != nil && err != of.want || err == nil || !strings.Contains(err.Error(), of.says) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestRequest(t *testing.T) {
	all := func(string) bool { return true }
	for _, c := range []struct {
		req  Request
		want string
	}{
		{Request{Wants: []object.ID{id(t, oid1)}, Capabilities: Capable(all, false, false), Shallow: true},
			lines("want "+oid1+" multi_ack_detailed side-band-64k ofs-delta agent="+Agent+"\n", "deepen 1\n", "", "done\n")},
		{Request{Wants: []object.ID{id(t, oid1), id(t, oid2)}, Capabilities: Capable(all, true, true), Treeless: true},
			lines("want "+oid1+" multi_ack_detailed side-band-64k ofs-delta include-tag filter agent="+Agent+"\n", "want "+oid2+"\n", "filter tree:0\n", "", "done\n")},
		{Request{Wants: []object.ID{id(t, oid1)}, Capabilities: Capable(func(n string) bool { return n == "multi_ack" }, false, false)},
			lines("want "+oid1+" multi_ack\n", "", "done\n")},
		{Request{Wants: []object.ID{id(t, oid1)}}, lines("want "+oid1+"\n", "", "done\n")},
		{Request{Wants: []object.ID{id(t, long1), id(t, long2)}, Capabilities: []string{"ofs-delta"}},
			lines("want "+long1+" ofs-delta object-format=sha256\n", "want "+long2+"\n", "", "done\n")},
	} {
		if got := string(c.req.Encode()); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}

// TestAnswer: the pack is separated from what surrounds it, and from the server's words.
func TestAnswer(t *testing.T) {
	sideband := &Request{Capabilities: []string{"side-band-64k"}}
	for what, of := range map[string]struct {
		req           *Request
		answer        string
		pack, said    string
		says          string // a part of the error's text; empty for none
		beforeThePack bool   // the error comes from Answer itself
	}{
		"a side-band":               {sideband, lines("shallow "+oid1+"\n", "", "NAK\n", "\x02Counting\r", "\x01PA", "\x01", "\x01CK", "\x02done\n", ""), "PACK", "Counting\rdone\n", "", false},
		"no side-band":              {&Request{}, lines("NAK\n") + "PACK", "PACK", "", "", false},
		"acknowledgements":          {sideband, lines("ACK "+oid1+" common\n", "ACK "+oid1+" ready\n", "NAK\n", "\x01PACK", ""), "PACK", "", "", false},
		"a last acknowledgement":    {sideband, lines("ACK "+oid1+"\n", "\x01PACK", ""), "PACK", "", "", false},
		"nothing":                   {sideband, "", "", "", "unexpected EOF", true},
		"no acknowledgement":        {sideband, lines("PACK"), "", "", `"PACK" where an acknowledgement is due`, true},
		"refused":                   {sideband, lines("ERR upload-pack: not our ref " + oid1 + "\n"), "", "", "the server says: upload-pack: not our ref", true},
		"an end without a flush":    {sideband, lines("NAK\n", "\x01PACK"), "PACK", "", "unexpected EOF", false},
		"an end in a packet":        {sideband, lines("NAK\n") + "0008\x01PA", "PA", "", "unexpected EOF", false},
		"an error beside the pack":  {sideband, lines("NAK\n", "\x01PA", "\x03out of memory\n"), "PA", "", "the server says: out of memory", false},
		"another channel":           {sideband, lines("NAK\n", "\x01PA", "\x04x"), "PA", "", "unknown channel 0x4", false},
		"text without end":          {sideband, lines("NAK\n") + strings.Repeat(lines("\x02"+strings.Repeat("x", 60000)), maxSaid/60000+1), "", "*", "the server says too much beside the pack", false},
		"shallow lines without end": {sideband, strings.Repeat(lines("shallow "+oid1), maxBefore/52+1), "", "", ErrTooMuch.Error(), true},
	} {
		var said strings.Builder
		pack, err := of.req.Answer(strings.NewReader(of.answer), func(text []byte) { said.Write(text) })
		if of.beforeThePack {
			if err == nil || !strings.Contains(err.Error(), of.says) {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		got, err := io.ReadAll(pack)
		if string(got) != of.pack || of.said != "*" && said.String() != of.said || (err == nil) != (of.says == "") || err != nil && !strings.Contains(err.Error(), of.says) {
			t.Errorf("%s: %q, %.40q, %v", what, got, said.String(), err)
		}
	}
}

// FuzzAnswer: whatever a server says, reading ends with a pack or with an error of a
// documented type.
func FuzzAnswer(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string, sideband bool) {
		req := &Request{}
		if sideband {
			req.Capabilities = []string{"side-band-64k"}
		}
		pack, err := req.Answer(strings.NewReader(text), func(said []byte) {
			if len(said) > maxPacket {
				t.Fatalf("%d bytes of text at once", len(said))
			}
		})
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, pack)
		if n > int64(len(text)) {
			t.Fatalf("%d bytes of a pack out of %d", n, len(text))
		}
		var protocol *ProtocolError
		var remote *RemoteError
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, &protocol) && !errors.As(err, &remote) {
			t.Fatalf("an error of no kind: %v", err)
		}
	})
}

// FuzzReferences: whatever a server advertises, the outcome is references or an error.
func FuzzReferences(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		refs, err := ReadReferences(strings.NewReader(text), "refs/x")
		if (refs == nil) != (err != nil) {
			t.Fatalf("%v, %v", refs, err)
		}
		if err == nil && !refs.any {
			t.Fatal("an empty repository passes")
		}
	})
}

// TestSeeds: each fuzz target has seeds.
func TestSeeds(t *testing.T) {
	for _, target := range []string{"FuzzAnswer", "FuzzReferences"} {
		if seeds, err := os.ReadDir("testdata/fuzz/" + target); err != nil || len(seeds) < 2 {
			t.Errorf("%s has no seeds: %v", target, err)
		}
	}
	if maxPacket > math.MaxUint16 {
		t.Error("a packet is longer than its length can say")
	}
}
