package gitpin_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/internal/gittest"
)

// scripted is a Git host that always sends the same pack, whatever it is asked for.
type scripted struct {
	pack []byte
	tip  string
}

func (s scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pkt := func(b string) { fmt.Fprintf(w, "%04x%s", len(b)+4, b) }
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		pkt("# service=git-upload-pack\n")
		fmt.Fprint(w, "0000")
		pkt(s.tip + " HEAD\x00shallow side-band-64k ofs-delta\n")
		pkt(s.tip + " refs/heads/main\n")
		fmt.Fprint(w, "0000")
		return
	}
	w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
	fmt.Fprint(w, "0000")
	pkt("NAK\n")
	for b := s.pack; len(b) > 0; b = b[min(len(b), 60000):] {
		pkt("\x01" + string(b[:min(len(b), 60000)]))
	}
	fmt.Fprint(w, "0000")
}

// objects builds a pack by hand.
type objects struct{ entries []gittest.PackEntry }

func (o *objects) add(typ int, name string, content []byte) []byte {
	o.entries = append(o.entries, gittest.PackEntry{Type: typ, Content: content})
	return gittest.ID(name, content)
}

func (o *objects) blob(s string) []byte { return o.add(gittest.PackBlob, "blob", []byte(s)) }
func (o *objects) tree(s string) []byte { return o.add(gittest.PackTree, "tree", []byte(s)) }
func (o *objects) commit(tree []byte) []byte {
	return o.add(gittest.PackCommit, "commit", fmt.Appendf(nil, "tree %x\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nm\n", tree))
}

func entry(mode, name string, id []byte) string { return mode + " " + name + "\x00" + string(id) }

// serve pins a commit from a scripted host, with a change to the parameters.
func (o *objects) serve(t *testing.T, commit []byte, change func(*gitpin.Params)) (string, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: scripted{gittest.Pack(-1, o.entries...), fmt.Sprintf("%x", commit)}}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	h := &host{url: "http://" + l.Addr().String() + "/r.git"}
	dir := filepath.Join(t.TempDir(), "work")
	p := h.params(t, fmt.Sprintf("%x", commit), dir)
	if change != nil {
		change(&p)
	}
	c, err := gitpin.Pin(context.Background(), p)
	if err == nil {
		c.Close()
	} else if _, there := os.Lstat(dir); there == nil {
		t.Error("WORK_DIR exists after a refusal")
	}
	return dir, err
}

// TestHostileTrees: a pin is refused if a tree of it is. (The tests of package object have
// all names that are refused.)
// SECURITY.md: G3.
func TestHostileTrees(t *testing.T) {
	for name, build := range map[string]func(o *objects) []byte{
		".git": func(o *objects) []byte {
			return o.tree(entry("40000", ".git", o.tree(entry("100644", "config", o.blob("x")))))
		},
		".GiT below": func(o *objects) []byte {
			return o.tree(entry("40000", "a", o.tree(entry("100644", ".GiT", o.blob("x")))))
		},
		"dot dot": func(o *objects) []byte {
			return o.tree(entry("40000", "..", o.tree(entry("100644", "x", o.blob("x")))))
		},
		"slash":    func(o *objects) []byte { return o.tree(entry("100644", "a/b", o.blob("x"))) },
		"absolute": func(o *objects) []byte { return o.tree(entry("100644", "/etc/x", o.blob("x"))) },
		"link and path": func(o *objects) []byte {
			l := o.blob("/etc")
			return o.tree(entry("120000", "a", l) + entry("40000", "a", o.tree(entry("100644", "x", l))))
		},
		"malformed mode":       func(o *objects) []byte { return o.tree(entry("10064x", "a", o.blob("x"))) },
		"empty link":           func(o *objects) []byte { return o.tree(entry("120000", "a", o.blob(""))) },
		"NUL in a link":        func(o *objects) []byte { return o.tree(entry("120000", "a", o.blob("a\x00b"))) },
		"long link":            func(o *objects) []byte { return o.tree(entry("120000", "a", o.blob(strings.Repeat("x", 5000)))) },
		"deeper than any path": func(o *objects) []byte { return deep(o, 10_000) },
	} {
		t.Run(name, func(t *testing.T) {
			var o objects
			commit := o.commit(build(&o))
			var te *object.TreeError
			if _, err := o.serve(t, commit, nil); !errors.As(err, &te) {
				t.Errorf("%v", err)
			}
		})
	}
}

func deep(o *objects, n int) []byte {
	id := o.tree(entry("100644", "x", o.blob("x")))
	for range n {
		id = o.tree(entry("40000", "a", id))
	}
	return id
}

// TestLegalOddities: odd trees that git checks out are checked out alike.
func TestLegalOddities(t *testing.T) {
	h := newHost(t)
	commit, err := h.Commit("odd", "odd",
		gittest.File{Path: "Case", Content: "1"}, gittest.File{Path: "case", Content: "2"},
		gittest.File{Path: "new\nline", Content: "3"}, gittest.File{Path: "tab\there \"q\" \\", Content: "4"}, gittest.File{Path: "\xff\xfe", Content: "5"},
		gittest.File{Path: strings.Repeat("n", 255), Content: "6"}, gittest.File{Path: strings.Repeat("d/", 100) + "deep", Content: "7"},
		gittest.File{Path: "empty"}, gittest.File{Path: "dangling", Mode: "120000", Content: "/nowhere"}, gittest.File{Path: "up", Mode: "120000", Content: "../../.."},
		gittest.File{Path: "gitlink", Mode: "120000", Content: ".git/config"},
		gittest.File{Path: ".gitattributes", Content: "* text eol=crlf filter=lfs\n"}, gittest.File{Path: "lf", Content: "a\nb\n"},
		gittest.File{Path: "sub", Mode: "160000", Content: h.Head}, gittest.File{Path: ".gitmodules", Content: "[submodule \"s\"]\n"},
		gittest.File{Path: "big.bin", Content: "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"},
	)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "work")
	for range 2 {
		c, err := gitpin.Pin(context.Background(), h.params(t, commit, dir))
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if sub, lfs := c.NotFetched(); sub != 1 || lfs != 1 {
			t.Errorf("%d submodules, %d LFS pointers", sub, lfs)
		}
		var ee *gitpin.EntryError
		if _, err := c.Script("big.bin"); !errors.As(err, &ee) {
			t.Errorf("an LFS pointer is taken for a script: %v", err)
		}
		if err := c.Directory("sub"); !errors.As(err, &ee) {
			t.Errorf("a submodule is taken for a directory: %v", err)
		}
		if b, _ := os.ReadFile(filepath.Join(dir, "lf")); string(b) != "a\nb\n" {
			t.Errorf("line endings are converted: %q", b)
		}
		out, err := gittest.Git(dir, nil, "ls-files", "-s")
		if err != nil || strings.Count(out, "\n") != 15 {
			t.Errorf("%v:\n%s", err, out)
		}
	}
}

// TestFaultyCommits: a commit with a fault that git fsck reports, and that git still checks
// out, is launched. A warning names the fault, both at the fetch and at a restart.
func TestFaultyCommits(t *testing.T) {
	const who = "A <a> 1 +0000"
	for fault, text := range map[string]string{
		"missingAuthor":          "committer " + who + "\n\nm\n",
		"missingNameBeforeEmail": "author <a> 1 +0000\ncommitter " + who + "\n\nm\n",
		"zeroPaddedDate":         "author A <a> 01 +0000\ncommitter " + who + "\n\nm\n",
		"badTimezone":            "author A <a> 1 +000\ncommitter " + who + "\n\nm\n",
		"nulInCommit":            "author " + who + "\ncommitter " + who + "\n\na\x00b\n",
		"unterminatedHeader":     "author " + who + "\ncommitter " + who,
		"zeroPaddedFilemode":     "author " + who + "\ncommitter " + who + "\n\nm\n",
	} {
		t.Run(fault, func(t *testing.T) {
			var o objects
			mode := "100644"
			if fault == "zeroPaddedFilemode" {
				mode = "0100644"
			}
			tree := o.tree(entry(mode, "x", o.blob("x")))
			commit := o.add(gittest.PackCommit, "commit", fmt.Appendf(nil, "tree %x\n%s", tree, text))
			var log bytes.Buffer
			logged := func(p *gitpin.Params) { p.Log = slog.New(slog.NewTextHandler(&log, nil)) }
			dir, err := o.serve(t, commit, logged)
			if err != nil {
				t.Fatal(err)
			}
			h := &host{url: gitOrigin(t, dir)}
			p := h.params(t, fmt.Sprintf("%x", commit), dir)
			logged(&p)
			c, err := gitpin.Pin(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
			if n := strings.Count(log.String(), fault); c.Fetched || n != 2 {
				t.Errorf("fetched again: %t; the fault is named %d times:\n%s", c.Fetched, n, &log)
			}
			if got, err := gittest.Git(dir, nil, "ls-files"); err != nil || got != "x" {
				t.Errorf("%q %v", got, err)
			}
		})
	}
}

// gitOrigin returns the repository's URL from a checkout.
func gitOrigin(t *testing.T, dir string) string {
	t.Helper()
	url, err := gittest.Git(dir, nil, "config", "remote.origin.url")
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// TestLyingHosts: a sound pack of other objects does not meet the pin.
// SECURITY.md: G1, G2.
func TestLyingHosts(t *testing.T) {
	var o objects
	blob := o.blob("x")
	tree := o.tree(entry("100644", "x", blob))
	commit := o.commit(tree)
	all := o.entries
	without := func(i int) *objects {
		return &objects{append(append([]gittest.PackEntry{}, all[:i]...), all[i+1:]...)}
	}
	var mismatch *gitpin.MismatchError
	var missing *gitpin.MissingObjectError
	if _, err := without(0).serve(t, commit, nil); !errors.As(err, &missing) {
		t.Errorf("without its blob: %v", err)
	}
	if _, err := without(1).serve(t, commit, nil); !errors.As(err, &missing) {
		t.Errorf("without its tree: %v", err)
	}
	if _, err := without(2).serve(t, commit, nil); !errors.As(err, &missing) {
		t.Errorf("without the commit: %v", err)
	}
	if _, err := (&objects{all}).serve(t, tree, nil); !errors.As(err, &mismatch) {
		t.Errorf("a tree as the pin: %v", err)
	}
	var swapped objects
	swapped.commit(swapped.tree(entry("40000", "x", swapped.blob("x"))))
	if _, err := swapped.serve(t, gittest.ID("commit", swapped.entries[2].Content), nil); !errors.As(err, &mismatch) {
		t.Errorf("a blob as a tree: %v", err)
	}
	// Other objects that a host sends are not kept.
	extra := &objects{append([]gittest.PackEntry{{Type: gittest.PackBlob, Content: []byte("planted")}, {Type: gittest.PackTree, Content: []byte(entry("40000", ".git", tree))}}, all...)}
	dir, err := extra.serve(t, commit, nil)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := gittest.Git(dir, nil, "cat-file", "--batch-all-objects", "--batch-check"); err != nil || strings.Count(out, "\n") != 2 {
		t.Errorf("objects in the store (%v):\n%s", err, out)
	}
}

// TestBombs: small packs that would grow without end are refused.
// SECURITY.md: G4.
func TestBombs(t *testing.T) {
	var le *pack.LimitError
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	// A tree that is ten times in the one above it, on each of ten levels: 10^10 files.
	var o objects
	id := o.tree(entry("100644", "x", o.blob("x")))
	for range 10 {
		var b strings.Builder
		for i := range 10 {
			b.WriteString(entry("40000", fmt.Sprint(i), id))
		}
		id = o.tree(b.String())
	}
	if _, err := o.serve(t, o.commit(id), nil); !errors.As(err, &le) || le.What != "file" {
		t.Errorf("tree bomb: %v", err)
	}
	// A million entries, within and beyond the limit.
	var m objects
	x := m.blob("x")
	var b strings.Builder
	for i := range 1_000_000 {
		b.WriteString(entry("100644", fmt.Sprintf("%07d", i), x))
	}
	if _, err := m.serve(t, m.commit(m.tree(b.String())), nil); !errors.As(err, &le) || le.What != "object size" {
		t.Errorf("a million entries: %v", err)
	}
	// One blob of a gigabyte of zeros, and a small one at many paths.
	var z objects
	if _, err := z.serve(t, z.commit(z.tree(entry("100644", "x", z.add(gittest.PackBlob, "blob", make([]byte, 256<<20))))), func(p *gitpin.Params) { p.MaxTreeBytes = 1 << 20 }); !errors.As(err, &le) || le.What != "tree" {
		t.Errorf("inflate bomb: %v", err)
	}
	var w objects
	big := w.blob(strings.Repeat("x", 1<<16))
	b.Reset()
	for i := range 1000 {
		b.WriteString(entry("100644", fmt.Sprintf("%07d", i), big))
	}
	if _, err := w.serve(t, w.commit(w.tree(b.String())), func(p *gitpin.Params) { p.MaxTreeBytes = 1 << 20 }); !errors.As(err, &le) || le.What != "tree" {
		t.Errorf("one blob, many paths: %v", err)
	}
}

func certificate(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	cert, _, err := gittest.Certificate(name, until)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestUntrustedTLS is for SECURITY.md: G7.
func TestUntrustedTLS(t *testing.T) {
	h := newHost(t)
	for name, of := range map[string]struct {
		cert   tls.Certificate
		reason fetch.Reason
	}{
		"self-signed": {certificate(t, "127.0.0.1", time.Now().Add(time.Hour)), fetch.Authority},
		"expired":     {certificate(t, "127.0.0.1", time.Now().Add(-time.Hour)), fetch.Clock},
		"wrong name":  {certificate(t, "example.org", time.Now().Add(time.Hour)), fetch.Untrusted},
	} {
		t.Run(name, func(t *testing.T) {
			url, stop, err := h.StartTLS("127.0.0.1:0", of.cert)
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			secure := &host{url: url + "/r.git"}
			_, err = gitpin.Pin(context.Background(), secure.params(t, h.Head, filepath.Join(t.TempDir(), "work")))
			var fe *gitpin.FetchError
			if !errors.As(err, &fe) || fe.Reason != of.reason {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestRedirectToAnotherHost: the transfer follows a redirect to another host; the credential
// does not.
// SECURITY.md: G6.
func TestRedirectToAnotherHost(t *testing.T) {
	h, other := newHost(t), newHost(t)
	h.Password = "token"
	h.Misbehave(gittest.Fault{Kind: "redirect", Arg: strings.TrimSuffix(other.url, "/r.git")})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := h.params(t, h.Head, filepath.Join(dir, "work"))
	p.Auth.TokenFile = filepath.Join(dir, "token")
	c, err := gitpin.Pin(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	for _, r := range h.Requests() {
		if !r.Authorized {
			t.Errorf("no credential for its own host: %v", r)
		}
	}
	reqs := other.Requests()
	if len(reqs) == 0 {
		t.Error("the other host was not asked")
	}
	for _, r := range reqs {
		if r.Authorization {
			t.Errorf("the credential went to another host: %v", r)
		}
	}
}

// TestDeadlinesEndTheCall: a host that accepts the connection and says nothing ends in a
// timeout.
// SECURITY.md: G8.
func TestDeadlinesEndTheCall(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, scheme := range []string{"http", "https"} {
		h := &host{url: scheme + "://" + l.Addr().String() + "/r.git"}
		p := h.params(t, strings.Repeat("1", 40), filepath.Join(t.TempDir(), "work"))
		p.StallTimeout, p.FetchTimeout, p.Retries = 300*time.Millisecond, time.Second, 100
		start := time.Now()
		_, err := gitpin.Pin(context.Background(), p)
		var fe *gitpin.FetchError
		if !errors.As(err, &fe) || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %v after %v", scheme, err, time.Since(start))
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	h := &host{url: "http://" + l.Addr().String() + "/r.git"}
	if _, err := gitpin.Pin(ctx, h.params(t, strings.Repeat("1", 40), filepath.Join(t.TempDir(), "work"))); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestProvingIsNoStall: proving a received pack may take longer than the stall timeout.
func TestProvingIsNoStall(t *testing.T) {
	h := newHost(t)
	p := h.params(t, h.Head, filepath.Join(t.TempDir(), "work"))
	p.StallTimeout, p.Retries = time.Second, 0
	p.Stage = func(s gitpin.Stage) {
		if s == gitpin.StageReceived {
			time.Sleep(p.StallTimeout * 3 / 2)
		}
	}
	c, err := gitpin.Pin(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// TestFloods: an endless answer, before the pack or instead of one, is ended after a limited
// number of bytes.
// SECURITY.md: G4.
func TestFloods(t *testing.T) {
	pkt := func(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }
	one := strings.Repeat("1", 40)
	for name, tc := range map[string]struct {
		status int
		begin  string
		line   string
		most   int64
	}{
		"shallow commits":   {200, "", pkt("shallow " + one), 80 << 20},
		"acknowledgements":  {200, "0000", pkt("ACK " + one + "\n"), 80 << 20},
		"reasons for a 500": {500, "", "we are very sorry. ", 8 << 20},
		"reasons for a 401": {401, "", "we are very sorry. ", 8 << 20},
		"reasons for a 302": {302, "", "we are very sorry. ", 8 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var most atomic.Int64
			lines := strings.Repeat(tc.line, 1000)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					scripted{tip: one}.ServeHTTP(w, r)
					return
				}
				w.WriteHeader(tc.status)
				fmt.Fprint(w, tc.begin)
				for sent := int64(0); ; sent += int64(len(lines)) {
					most.Store(max(most.Load(), sent))
					if _, err := w.Write([]byte(lines)); err != nil {
						return
					}
				}
			}))
			defer server.Close()
			h := &host{url: server.URL + "/r.git"}
			p := h.params(t, one, filepath.Join(t.TempDir(), "work"))
			p.Retries, p.StallTimeout, p.FetchTimeout = 0, time.Minute, time.Minute // slow machines read slowly
			_, err := gitpin.Pin(context.Background(), p)
			var fe *gitpin.FetchError
			if !errors.As(err, &fe) || fe.Reason == fetch.Stalled || fe.Reason == fetch.TimedOut {
				t.Errorf("%v", err)
			}
			server.CloseClientConnections()
			if most.Load() > tc.most {
				t.Errorf("%d MiB were read", most.Load()>>20)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

// TestPackBeyondThePreamble: the limit of the answer before a pack is not one for the pack.
func TestPackBeyondThePreamble(t *testing.T) {
	content := make([]byte, 65<<20)
	rand.NewChaCha8([32]byte{}).Read(content)
	var o objects
	if _, err := o.serve(t, o.commit(o.tree(entry("100644", "x", o.blob(string(content))))), nil); err != nil {
		t.Error(err)
	}
}

// TestWordsOfAHost: a host's words are in an error as one short printable line, without the
// credential that the host got.
// SECURITY.md: G6.
func TestWordsOfAHost(t *testing.T) {
	pkt := func(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }
	for name, answer := range map[string]func(w http.ResponseWriter, said string){
		"a 401":         func(w http.ResponseWriter, said string) { w.WriteHeader(401); fmt.Fprint(w, said) },
		"a 500":         func(w http.ResponseWriter, said string) { w.WriteHeader(500); fmt.Fprint(w, said) },
		"the side band": func(w http.ResponseWriter, said string) { fmt.Fprint(w, "0000", pkt("NAK\n"), pkt("\x03"+said)) },
		"an ERR line":   func(w http.ResponseWriter, said string) { fmt.Fprint(w, pkt("ERR "+said)) },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, token, _ := r.BasicAuth()
				answer(w, "you sent "+token+", in "+r.Header.Get("Authorization")+"\n\x1b[31m"+strings.Repeat("and so on ", 500))
			}))
			defer server.Close()
			h := &host{url: server.URL + "/r.git"}
			dir := t.TempDir()
			p := h.params(t, strings.Repeat("1", 40), filepath.Join(dir, "work"))
			p.Retries, p.Auth.TokenFile = 0, filepath.Join(dir, "token")
			if err := os.WriteFile(p.Auth.TokenFile, []byte("correct-horse"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := gitpin.Pin(context.Background(), p)
			var fe *gitpin.FetchError
			if !errors.As(err, &fe) {
				t.Fatalf("%v", err)
			}
			basic := base64.StdEncoding.EncodeToString([]byte("git:correct-horse"))
			if text := err.Error(); strings.Contains(text, "correct-horse") || strings.Contains(text, basic) || strings.ContainsAny(text, "\n\x1b") || len(text) > 1000 {
				t.Errorf("%q", text)
			}
		})
	}
}
