package gitpin_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/gittest/habit"
)

func address(t testing.TB, url string) config.RepoURL {
	t.Helper()
	u, err := config.ParseRepoURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// badSources are hosts that do not have the pin, or lie about it. Each returns its address,
// and a part of the cause that the error must name.
var badSources = map[string]func(t *testing.T, good *host) (url, cause string){
	"nobody listens": func(t *testing.T, good *host) (string, string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		return "http://" + l.Addr().String() + "/r.git", "connection refused"
	},
	"no such repository": func(t *testing.T, good *host) (string, string) {
		return strings.Replace(good.url, "/r.git", "/gone.git", 1), "not found"
	},
	"login":            faulty("status=401", "wants a login"),
	"error":            faulty("status=500", "HTTP 500"),
	"never answers":    faulty("never", "no byte has come"),
	"drips":            faulty("drip=1", "share of the fetch timeout is over"),
	"truncated":        faulty("truncate=300", "unexpected EOF"),
	"changed":          faulty("corrupt=-1", "bad pack: its checksum is wrong"),
	"endless progress": faulty("endless-progress", "share of the fetch timeout is over"),
	"no Git":           faulty("dumb", "HTTP 404"),
	"another commit": lying(func(o *objects) []byte {
		return o.commit(o.tree(entry("100644", "entrypoint.sh", o.blob("echo evil\n"))))
	}, "is missing from what the repository sent"),
	"a tree of its own": lying(func(o *objects) []byte {
		o.tree(entry("100644", "entrypoint.sh", o.blob("echo evil\n")))
		return []byte{1}
	}, "is missing from what the repository sent"),
	"a thin pack": lying(func(o *objects) []byte {
		o.entries = append(o.entries, gittest.PackEntry{Type: gittest.PackRef, BaseID: gittest.ID("blob", nil), Content: gittest.Delta(0, "x")})
		return []byte{1}
	}, "of a delta is not in it"),
	"endless pack": func(t *testing.T, good *host) (string, string) {
		return serveHTTP(t, http.HandlerFunc(flood)), "the pack limit of"
	},
	"a redirect to a link-local address": faulty("redirect=http://169.254.169.254", "refusing a redirect to a link-local or loopback address"),
	"no directory": func(t *testing.T, good *host) (string, string) {
		return "/nonexistent/r.git", "there is no repository at that path"
	},
}

// faulty returns a host of the same repository that misbehaves.
func faulty(fault, cause string) func(*testing.T, *host) (string, string) {
	return func(t *testing.T, good *host) (string, string) {
		f, err := gittest.ParseFault(fault)
		if err != nil {
			t.Fatal(err)
		}
		s := &gittest.Server{Root: good.Root}
		s.Misbehave(f)
		url := started(t, s)
		return url + "/r.git", cause
	}
}

// lying returns a host that sends a pack of other objects.
func lying(build func(*objects) []byte, cause string) func(*testing.T, *host) (string, string) {
	return func(t *testing.T, good *host) (string, string) {
		var o objects
		tip := build(&o)
		return serveHTTP(t, scripted{gittest.Pack(-1, o.entries...), fmt.Sprintf("%x", tip)}), cause
	}
}

func serveHTTP(t *testing.T, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL + "/r.git"
}

// flood sends a pack whose first blob never ends.
func flood(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
	fmt.Fprint(w, habit.Line("shallow "+strings.Repeat("0", 40)), "0000", habit.Line("NAK\n"))
	chunk := habit.Line("\x01PACK\x00\x00\x00\x02\x00\x00\x00\x01\xbf\xff\xff\x7f\x78\x01")
	stored := "\x00\xff\xff\x00\x00" + strings.Repeat("x", 0xffff)
	for r.Context().Err() == nil {
		if _, err := w.Write([]byte(chunk)); err != nil {
			return
		}
		piece := stored[:40000]
		if stored = stored[40000:]; len(stored) < 40000 {
			stored += "\x00\xff\xff\x00\x00" + strings.Repeat("x", 0xffff)
		}
		chunk = habit.Line("\x01" + piece)
	}
}

// TestMirrors: whatever one source does, the pin comes from the other one, and no byte of
// the first survives. It costs only time. If both are bad, the error names each with its
// cause.
// SECURITY.md: G9.
func TestMirrors(t *testing.T) {
	good := newHost(t)
	for name, bad := range badSources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, cause := bad(t, good)
			other := strings.Replace(good.url, "/r.git", "/other.git", 1)
			for _, order := range []string{"bad first", "bad alone"} {
				dir := filepath.Join(t.TempDir(), "work")
				p := good.params(t, good.Head, dir)
				p.Repo, p.Mirrors = address(t, url), []config.RepoURL{p.Repo}
				p.StallTimeout, p.FetchTimeout, p.Retries, p.MaxPackBytes = 2*time.Second, 10*time.Second, 0, 1<<20
				if order == "bad alone" {
					p.Mirrors = []config.RepoURL{address(t, other)}
				}
				begun := time.Now()
				c, err := gitpin.Pin(context.Background(), p)
				if took := time.Since(begun); took > 15*time.Second {
					t.Errorf("%s: took %v", order, took)
				}
				if order == "bad first" {
					if err != nil {
						t.Fatalf("%s: %v", order, err)
					}
					c.Close()
					clean(t, good.Dir, good.Head, dir)
					continue
				}
				var several *gitpin.SourcesError
				if !errors.As(err, &several) || len(several.Sources) != 2 {
					t.Fatalf("%s: %v", order, err)
				}
				if got := several.Sources[0].Err.Error(); !strings.Contains(got, cause) {
					t.Errorf("%s: the first source's cause is %s, not %s", order, got, cause)
				}
				for _, says := range []string{"REPO_URL (" + url + ")", "mirror 1 (" + other + ")", "not found"} {
					if !strings.Contains(err.Error(), says) {
						t.Errorf("%s: the error does not say %q: %v", order, says, err)
					}
				}
				if _, err := os.Lstat(dir); err == nil {
					t.Error("WORK_DIR exists after a refusal")
				}
			}
		})
	}
}

// TestMirrorMends: if each source is only busy, they are asked in turn until one answers. A
// source that wants to be asked later is not asked before.
func TestMirrorMends(t *testing.T) {
	good := newHost(t)
	busy, err := gittest.ParseFault("status=503@2")
	if err != nil {
		t.Fatal(err)
	}
	waits, err := gittest.ParseFault("retry-after=3600")
	if err != nil {
		t.Fatal(err)
	}
	first := &gittest.Server{Root: good.Root}
	first.Misbehave(waits)
	url := started(t, first)
	good.Misbehave(busy)
	dir := filepath.Join(t.TempDir(), "work")
	p := good.params(t, good.Head, dir)
	p.Repo, p.Mirrors, p.Retries = address(t, url+"/r.git"), []config.RepoURL{p.Repo}, -1
	c, err := gitpin.Pin(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if n := len(first.Requests()); n != 1 {
		t.Errorf("a source that asks to wait an hour got %d requests", n)
	}
}

// TestMirrorsHearTheEnd: the fetch timeout and a signal end all sources.
func TestMirrorsHearTheEnd(t *testing.T) {
	good := newHost(t)
	never, _ := gittest.ParseFault("never")
	good.Misbehave(never)
	p := good.params(t, good.Head, filepath.Join(t.TempDir(), "work"))
	p.Mirrors, p.FetchTimeout = []config.RepoURL{address(t, strings.Replace(good.url, "/r.git", "/m.git", 1))}, 2*time.Second
	_, err := gitpin.Pin(context.Background(), p)
	var several *gitpin.SourcesError
	if !errors.As(err, &several) || !regexp.MustCompile(`share of the fetch timeout is over \((1s|9\d\dms)\)`).MatchString(err.Error()) || !strings.Contains(err.Error(), "the fetch timeout is over (2s)") {
		t.Errorf("the timeout: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(300*time.Millisecond, cancel)
	p.FetchTimeout = time.Minute
	if _, err = gitpin.Pin(ctx, p); !errors.Is(err, context.Canceled) {
		t.Errorf("a signal: %v", err)
	}
}

// TestMirrorCredential: a token goes only to REPO_URL's own origin, which may be a mirror's
// origin, too.
// SECURITY.md: G9.
func TestMirrorCredential(t *testing.T) {
	good := newHost(t)
	away := &gittest.Server{Root: good.Root, Password: "s3cret"}
	own := started(t, away)
	p := good.params(t, good.Head, filepath.Join(t.TempDir(), "work"))
	p.Auth = gitpin.Credentials{Token: credential.NewSecret("T", "s3cret")}
	p.Repo, p.Mirrors = address(t, own+"/gone.git"), []config.RepoURL{p.Repo}
	c, err := gitpin.Pin(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	requests := good.Requests()
	for _, r := range requests {
		if r.Authorization {
			t.Errorf("the mirror got a credential: %v", r)
		}
	}
	if len(requests) == 0 {
		t.Error("the mirror was not asked")
	}
	p.WorkDir, p.Mirrors = filepath.Join(t.TempDir(), "work"), []config.RepoURL{address(t, own+"/r.git")}
	if c, err = gitpin.Pin(context.Background(), p); err != nil {
		t.Fatalf("a mirror of the same origin: %v", err)
	}
	c.Close()
}

// TestMirrorOfAnUnsafeTree: a fault of the commit itself ends the launch, because it is the
// same at every source.
func TestMirrorOfAnUnsafeTree(t *testing.T) {
	var o objects
	commit := o.commit(o.tree(entry("40000", ".git", o.tree(entry("100644", "config", o.blob("x"))))))
	good := newHost(t)
	p := good.params(t, fmt.Sprintf("%x", commit), filepath.Join(t.TempDir(), "work"))
	p.Mirrors = []config.RepoURL{p.Repo}
	p.Repo = address(t, serveHTTP(t, scripted{gittest.Pack(-1, o.entries...), fmt.Sprintf("%x", commit)}))
	_, err := gitpin.Pin(context.Background(), p)
	var tree *object.TreeError
	var several *fetch.SourcesError
	if !errors.As(err, &tree) || errors.As(err, &several) || len(good.Requests()) != 0 {
		t.Errorf("%v", err)
	}
}
