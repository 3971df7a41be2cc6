package lfs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"gitlauncher/gitpin/lfs"
)

var content = []byte("hello")

var pointer = lfs.Pointer{SHA256: sha256.Sum256(content), Size: int64(len(content))}

// TestPointer: the one form that git-lfs writes is read. Everything that only begins like it
// is refused, or is a file like any other.
// SECURITY.md: G11.
func TestPointer(t *testing.T) {
	const version = "version https://git-lfs.github.com/spec/v1\n"
	oid := "oid sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n"
	if got := string(pointer.Bytes()); got != version+oid+"size 5\n" {
		t.Fatalf("%s", got)
	}
	p, is, err := lfs.Parse(pointer.Bytes())
	if err != nil || !is || p != pointer {
		t.Errorf("%v, %t, %v", p, is, err)
	}
	long := version + oid + "size 5\nx " + strings.Repeat("y", lfs.MaxPointer)
	for text, want := range map[string]error{
		version + oid + "size 5":                                           lfs.ErrForm,
		version + oid + "size 05\n":                                        lfs.ErrForm,
		version + oid + "size +5\n":                                        lfs.ErrForm,
		version + oid + "size -5\n":                                        lfs.ErrForm,
		version + oid + "size 9223372036854775808\n":                       lfs.ErrForm,
		version + oid + "size 5\n\n":                                       lfs.ErrForm,
		version + oid + "size 5\r\n":                                       lfs.ErrForm,
		version + "size 5\n" + oid:                                         lfs.ErrForm,
		version + oid + oid + "size 5\n":                                   lfs.ErrForm,
		version + oid + "size 5\nx y\n":                                    lfs.ErrForm,
		version + strings.ToUpper(oid) + "size 5\n":                        lfs.ErrForm,
		version + strings.Replace(oid, "2c", "2C", 1) + "size 5\n":         lfs.ErrForm,
		version + strings.Replace(oid, "sha256", "sha512", 1) + "size 5\n": lfs.ErrForm,
		version + oid[:40] + "\nsize 5\n":                                  lfs.ErrForm,
		version:                                                            lfs.ErrForm,
		version + "ext-0-foo sha256:00\n" + oid + "size 5\n":               lfs.ErrExtension,
		long[:lfs.MaxPointer-1]:                                            lfs.ErrForm,
	} {
		if _, is, err := lfs.Parse([]byte(text)); !is || !errors.Is(err, want) {
			t.Errorf("%q: %t, %v", text, is, err)
		}
	}
	for _, text := range []string{"", "version https://git-lfs.github.com/spec/v2\n", version[:10], long[:lfs.MaxPointer], " " + version + oid + "size 5\n"} {
		if _, is, err := lfs.Parse([]byte(text)); is || err != nil {
			t.Errorf("%q: %t, %v", text, is, err)
		}
	}
}

// FuzzParse: every pointer that is read has the one form that git-lfs writes.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, text []byte) {
		p, is, err := lfs.Parse(text)
		if is && err == nil && !bytes.Equal(p.Bytes(), text) {
			t.Fatalf("%q is taken for %v", text, p)
		}
		if err != nil && !is {
			t.Fatal(err)
		}
	})
}

// TestVerify: the reader ends without an error for the right content alone, however its bytes
// are divided.
// SECURITY.md: G11.
func TestVerify(t *testing.T) {
	for text, says := range map[string]string{
		"hello": "", "hallo": "does not match its SHA-256", "hell": "unexpected EOF", "": "unexpected EOF",
		"hello!": "has more than its 5 bytes", strings.Repeat("hello", 1000): "has more than its 5 bytes",
	} {
		for name, wrap := range map[string]func(io.Reader) io.Reader{"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "end with data": iotest.DataErrReader} {
			got, err := io.ReadAll(pointer.Verify(wrap(strings.NewReader(text))))
			if says == "" && (err != nil || string(got) != text) || says != "" && (err == nil || !strings.Contains(err.Error(), says)) || len(got) > 5 {
				t.Errorf("%s, %s: %q, %v", text, name, got, err)
			}
		}
	}
	empty := lfs.Pointer{SHA256: sha256.Sum256(nil)}
	if got, err := io.ReadAll(empty.Verify(strings.NewReader(""))); err != nil || len(got) != 0 {
		t.Errorf("empty: %v", err)
	}
}

// TestAnswer: an answer must have a link for each wanted content, and for no other.
// SECURITY.md: G11.
func TestAnswer(t *testing.T) {
	base, _ := url.Parse("https://example.org/r.git/info/lfs/objects/batch")
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	oid := pointer.OID()
	object := func(more string) string { return fmt.Sprintf(`{"objects":[{"oid":%q,"size":5,%s}]}`, oid, more) }
	good := `"actions":{"download":{"href":"https://cdn.example.org/x?sig=1","header":{"X-Key":"v"},"expires_in":60,"expires_at":"2020-01-01T00:00:00Z"}}`
	for text, says := range map[string]string{
		object(good):                                   "",
		object(good + `,"unknown":[1]`):                "",
		object(`"actions":{"download":{"href":"/x"}}`): "",
		"<html>":                                "is not JSON",
		`{"objects":[]}`:                        "leaves out " + oid,
		`{}`:                                    "leaves out " + oid,
		`{"transfer":"multipart","objects":[]}`: `is for the transfer "multipart"`,
		`{"hash_algo":"sha512","objects":[]}`:   `names contents by "sha512"`,
		object(`"actions":{}`):                  "has no place to download " + oid,
		object(`"actions":{"download":{"href":""}}`):                                                        "has a link that is not an address",
		object(`"actions":{"download":{"href":"mailto:x"}}`):                                                "has a link that is not an address",
		object(`"actions":{"download":{"href":"https://u:p@h/x"}}`):                                         "has a link that is not an address",
		object(`"actions":{"download":{"href":"/x","header":{"Host":"other"}}}`):                            `no link may set: "Host"`,
		object(`"actions":{"download":{"href":"/x","header":{"proxy-authorization":"x"}}}`):                 "no link may set",
		object(`"actions":{"download":{"href":"/x","header":{"A B":"x"}}}`):                                 "has an invalid name",
		object(`"actions":{"download":{"href":"/x","header":{"A":"x\r\nB: y"}}}`):                           "has a control character in it",
		object(`"actions":{"download":{"href":"/x","header":{"A":"` + strings.Repeat("x", 16<<10) + `"}}}`): "has more than 16 KiB",
		object(`"actions":{"download":{"href":"/x","header":{` + strings.Repeat(`"A":"","B":"","C":"","D":"","E":"","F":"","G":"","I":"","J":"","K":"","L":"","M":"","N":"","O":"","P":"","Q":"",`, 1) + `"R":""}}}`): "with more than 16 headers",
		object(`"actions":{"download":{"href":"/x","header":{"A":"","B":"","C":"","D":"","E":"","F":"","G":"","I":"","J":"","K":"","L":"","M":"","N":"","O":"","P":"","Q":""}}}`):                                     "",
		object(`"actions":{"download":{"href":"/x","header":{"A":"` + strings.Repeat("x", 16<<10-1) + `"}}}`):                                                                                                         "",
		fmt.Sprintf(`{"objects":[{"oid":%q,"size":6,%s}]}`, oid, good):                                                                                                                                                "or of another size",
		fmt.Sprintf(`{"objects":[{"oid":%q,"size":5,%s},{"oid":%[1]q,"size":5,%[2]s}]}`, oid, good):                                                                                                                   "not asked for",
		fmt.Sprintf(`{"objects":[{"oid":%q,"size":5,%s}]}`, strings.Repeat("a", 64), good):                                                                                                                            "not asked for",
		fmt.Sprintf(`{"objects":[{"oid":"../x","size":5,%s}]}`, good):                                                                                                                                                 "by something that is not a SHA-256",
	} {
		links, err := lfs.ParseAnswer([]byte(text), []lfs.Pointer{pointer}, base, now)
		if says == "" && (err != nil || links[pointer] == nil || links[pointer].To.Scheme != "https") || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%.200s: %v, not %q", text, err, says)
		}
	}
	links, err := lfs.ParseAnswer([]byte(object(good)), []lfs.Pointer{pointer}, base, now)
	if err != nil {
		t.Fatal(err)
	}
	l := links[pointer]
	if l.To.String() != "https://cdn.example.org/x?sig=1" || l.Header["X-Key"] != "v" || l.Expired(now) || l.Expired(now.Add(54*time.Second)) || !l.Expired(now.Add(55*time.Second)) {
		t.Errorf("%+v", l)
	}
	links, err = lfs.ParseAnswer([]byte(fmt.Sprintf(`{"objects":[{"oid":%q,"error":{"code":410,"message":"gone"}}]}`, oid)), []lfs.Pointer{pointer}, base, now)
	if err != nil || links[pointer].Failed == nil || links[pointer].Failed.Error() != "the server has removed the Git LFS object "+oid+": gone (code 410)" {
		t.Errorf("an error of one content: %v, %v", links[pointer], err)
	}
}

// TestLimits: the largest pointer, and a byte more, which is a file; and the longest time
// that a link may say it is good for.
func TestLimits(t *testing.T) {
	pointer := string(pointer.Bytes())
	for size, want := range map[int]bool{1022: true, 1023: true, 1024: false} {
		if _, is, err := lfs.Parse([]byte(pointer + strings.Repeat("x", size-len(pointer)))); is != want || is != (err == lfs.ErrForm) {
			t.Errorf("%d bytes: %v, %v", size, is, err)
		}
	}
	if lfs.MaxAnswer != 4<<20 || lfs.MaxBatch != 100 { // doc/limits.md, and what git-lfs asks for
		t.Errorf("an answer has %d bytes, a request %d contents", lfs.MaxAnswer, lfs.MaxBatch)
	}
	base, _ := url.Parse("https://example.org/")
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for seconds, want := range map[int64]int64{60: 60, -60: -60, 1 << 30: 1 << 30, 1<<30 + 1: 1 << 30, 1 << 40: 1 << 30, -1 << 40: -1 << 30} {
		oid := sha256.Sum256([]byte("x"))
		p := lfs.Pointer{SHA256: oid, Size: 1}
		links, err := lfs.ParseAnswer([]byte(fmt.Sprintf(`{"objects":[{"oid":%q,"size":1,"actions":{"download":{"href":"/x","expires_in":%d}}}]}`, p.OID(), seconds)), []lfs.Pointer{p}, base, now)
		if err != nil || links[p].Expires != now.Add(time.Duration(want)*time.Second) {
			t.Errorf("%d seconds: %v, %v", seconds, links[p], err)
		}
	}
}

// TestRequest: a request is as the API has it.
func TestRequest(t *testing.T) {
	want := `{"operation":"download","transfers":["basic"],"objects":[{"oid":"` + pointer.OID() + `","size":5}],"hash_algo":"sha256"}`
	if got := string(lfs.Request([]lfs.Pointer{pointer})); got != want {
		t.Errorf("%s", got)
	}
}

// TestAccess: an SSH host says where the API is and which headers its requests need. It must
// not lead to an unencrypted address.
// SECURITY.md: G12.
func TestAccess(t *testing.T) {
	guess, _ := url.Parse("https://example.org/r.git/info/lfs")
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	local := func(host string) bool { return host == "localhost" }
	const most = `{"href":"https://lfs.example.org/r","header":{"Authorization":"RemoteAuth x"},"expires_in":60,"expires_at":"2020-01-01T00:00:00Z","more":[1]}`
	for text, says := range map[string]string{
		most: "", `{}`: "", `{"header":{}}`: "", `{"href":"http://localhost:1/x"}`: "",
		"": "is not JSON", "[]": "is not JSON", `"x"`: "is not JSON", "{}{}": "is not JSON", `{"header":[]}`: "is not JSON", `{"href":1}`: "is not JSON",
		`{"href":"http://example.org/x"}`:           "has an address that is not https://",
		`{"href":"http://localhost.example.org/x"}`: "has an address that is not https://",
		`{"href":"ssh://example.org/x"}`:            "has an address that is not https://",
		`{"href":"x"}`:                              "has a link that is not an address",
		`{"href":"//h/x"}`:                          "has an address that is not https://",
		`{"href":"https://u:p@h/x"}`:                "has a link that is not an address",
		`{"href":"https:///x"}`:                     "has a link that is not an address",
		`{"header":{"Host":"x"}}`:                   "no link may set",
		`{"header":{"A":"x\ny"}}`:                   "has a control character in it",
		strings.Repeat(" ", 64<<10-2) + "{}":        "",
		strings.Repeat(" ", 64<<10-1) + "{}":        "has more than 64 KiB",
	} {
		l, err := lfs.ParseAccess([]byte(text), guess, local, now)
		if (err == nil) != (says == "") || err != nil && (!strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "the SSH host's answer to git-lfs-authenticate")) {
			t.Errorf("%.80q: %v, not %q", text, err, says)
		}
		if text == "{}" && err == nil && l.To.String() != guess.String() {
			t.Errorf("without an address it is %v", l.To)
		}
	}
	l, err := lfs.ParseAccess([]byte(most), guess, local, now)
	if err != nil || l.Header["Authorization"] != "RemoteAuth x" || l.Expired(now) || !l.Expired(now.Add(55*time.Second)) {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestNamed: an address in a tree is accepted by the same rule as one from an SSH host.
// SECURITY.md: G11.
func TestNamed(t *testing.T) {
	for address, says := range map[string]string{
		"https://example.org/x": "", "http://localhost/x": "", "http://example.org/x": ".lfsconfig has an address that is not https://", "ssh://localhost/x": "is not https://",
	} {
		at, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		l, err := lfs.Named(at, func(host string) bool { return host == "localhost" })
		var bad *lfs.AnswerError
		if says == "" && (err != nil || l.To != at) || says != "" && (!errors.As(err, &bad) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v, %v", address, l, err)
		}
	}
}

// FuzzParseAccess: an answer is an [lfs.AnswerError], or leads to an encrypted address.
func FuzzParseAccess(f *testing.F) {
	guess, _ := url.Parse("https://example.org/r.git/info/lfs")
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := lfs.ParseAccess(text, guess, func(string) bool { return false }, time.Unix(0, 0))
		var bad *lfs.AnswerError
		if err != nil && !errors.As(err, &bad) || err == nil && (l.To.Scheme != "https" || l.To.Host == "") {
			t.Fatalf("%v, %v", l, err)
		}
	})
}

// FuzzParseAnswer: an answer is an [lfs.AnswerError], or has a link for the wanted content.
func FuzzParseAnswer(f *testing.F) {
	base, _ := url.Parse("https://example.org/objects/batch")
	f.Fuzz(func(t *testing.T, text []byte) {
		links, err := lfs.ParseAnswer(text, []lfs.Pointer{pointer}, base, time.Unix(0, 0))
		var bad *lfs.AnswerError
		if err != nil && !errors.As(err, &bad) || err == nil && (links[pointer] == nil || links[pointer].Failed == nil && links[pointer].To.Host == "") {
			t.Fatalf("%v, %v", links, err)
		}
	})
}

// TestLinkSecrets: whatever a link has to let a request in is known as a secret, in the form in
// which the link has it and in the plain one.
// SECURITY.md: G12.
func TestLinkSecrets(t *testing.T) {
	for query, want := range map[string][]string{
		"":                            nil,
		"a=1&sig=s3cret":              {"1", "s3cret"},
		"sig=s3%2bcret":               {"s3%2bcret", "s3+cret"},
		"sig=s3cret;more":             {"s3cret", "more"},
		"sig=s3cret%zz":               {"s3cret%zz"},
		"s3cret":                      {"s3cret"},
		"sig=czNjcmV0==&x=":           {"czNjcmV0==", ""},
		"X-Date=now&X-Signature=a%2f": {"now", "a%2f", "a/"},
	} {
		l := &lfs.Link{To: &url.URL{Scheme: "https", Host: "example.org", Path: "/o", RawQuery: query}}
		if got := l.Secrets(); !slices.Equal(got, want) {
			t.Errorf("%s: %q", query, got)
		}
	}
	l := &lfs.Link{Header: map[string]string{"Authorization": "basic " + base64.StdEncoding.EncodeToString([]byte("me:hunter22")), "X-Key": "Basic of none"}}
	if got := l.Secrets(); !slices.Contains(got, "hunter22") || !slices.Contains(got, "me:hunter22") || len(got) != 4 {
		t.Errorf("%q", got)
	}
}
