package printable

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	for _, c := range []struct {
		said, want string
		secrets    []string
	}{
		{said: "all is well", want: "all is well"},
		{said: "  one\n\ttwo\r\n three ", want: "one two three"},
		{said: "red \x1b[31mtext\x07", want: "red [31mtext"},
		{said: "csi \u009b31m, line\u2028sep, rtl\u202eover, nbsp\u00a0end", want: "csi 31m, line sep, rtl over, nbsp end"},
		{said: "bad \xff\xfe utf-8", want: "bad ? utf-8"},
		{said: "grüße, 日本", want: "grüße, 日本"},
		{said: "you sent hunter22, and hunter22", secrets: []string{"hunter22"}, want: "you sent [secret], and [secret]"},
		{said: "four letters: oxen", secrets: []string{"oxen"}, want: "four letters: [secret]"},
		{said: "three letters: cow", secrets: []string{"cow"}, want: "three letters: cow"},
		{said: "the ox", secrets: []string{"ox", ""}, want: "the ox"},
		{said: "hunter22-and-more, more", secrets: []string{"more", "hunter22", "hunter22-and-more"}, want: "[secret], [secret]"},
		{said: "cut off: hunter22-a…, hunter22-b, hunter22", secrets: []string{"hunter22-and-more"}, want: "cut off: [secret]…, [secret]b, [secret]"},
		{said: "seven bytes: hunter2", secrets: []string{"hunter22-and-more"}, want: "seven bytes: hunter2"},
		{said: "Bearer eyJ0eXAiO, Bearer tokens are", secrets: []string{"Bearer eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSJ9"}, want: "[secret], Bearer tokens are"},
		{said: "[secret]", secrets: []string{"[secret]-of-a-host"}, want: "[secret]"},
		{said: "", want: ""},
	} {
		if got := Line(c.said, c.secrets...); got != c.want {
			t.Errorf("Line(%q) is %q, want %q", c.said, got, c.want)
		}
	}
}

// TestLineIsBounded: a line is bounded, even if the cut would fall into a character.
func TestLineIsBounded(t *testing.T) {
	for _, s := range []string{strings.Repeat("x", 9999), strings.Repeat("日", 9999), "x" + strings.Repeat("é", 9999)} {
		got := Line(s)
		if !strings.HasSuffix(got, "…") || len(got) > MaxLine+len("…") || strings.Contains(got, "\uFFFD") {
			t.Errorf("%d bytes become %d: %q", len(s), len(got), got[len(got)-8:])
		}
	}
}

// TestLineAtItsLimit: 500 bytes stay as they are, and 501 lose their end.
func TestLineAtItsLimit(t *testing.T) {
	if s := strings.Repeat("x", 500); Line(s) != s {
		t.Errorf("500 bytes become %q", Line(s))
	}
	if got := Line(strings.Repeat("x", 501)); got != strings.Repeat("x", 500)+"…" {
		t.Errorf("501 bytes become %q", got)
	}
}

func TestText(t *testing.T) {
	if got, want := Text("a\nb\x1b[0m c\u202e\xff"), "a\uFFFDb\uFFFD[0m c\uFFFD\uFFFD"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestJSON: the document means the same, and holds nothing that can't be printed.
func TestJSON(t *testing.T) {
	const said = "csi \u009b, bom \ufeff, last \uffff, first \U00010000, tag \U000e0001, ok é\n"
	data, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	got := JSON(data)
	var again string
	if err := json.Unmarshal(got, &again); err != nil || again != said {
		t.Errorf("%s means %q, %v", got, again, err)
	}
	if Text(string(got)) != string(got) {
		t.Errorf("%q can't be printed as it is", got)
	}
	if kept := []byte("{}\n"); &JSON(kept)[0] != &kept[0] {
		t.Error("a document without such characters is copied")
	}
}
