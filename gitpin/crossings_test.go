package gitpin_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/gittest/habit"
)

// scene is a pin in which several formats meet, and its expected outcome.
type scene struct {
	params     gitpin.Params     // without WorkDir
	submodules []string          // the lines of git submodule status
	contents   map[string]string // of Git LFS files, by path
	commits    string            // how many commits git log counts in the pinned repository
	mended     string            // a file that is repaired without network if the last run has changed it; may be empty
	fetched    string            // a file that must be fetched again if the last run has changed it; may be empty
	stop       []func()          // stops the servers
}

// crossings lists formats that meet, two or three at a time. All come from real servers.
var crossings = map[string]func(t *testing.T) scene{
	"SHA-256, submodules": func(t *testing.T) scene { return familyScene(t, family(t, gittest.SHA256)) },
	"SHA-256, submodules, history": func(t *testing.T) scene {
		s := familyScene(t, family(t, gittest.SHA256))
		s.params.FullHistory = true
		return s
	},
	"submodules, history": func(t *testing.T) scene {
		s := familyScene(t, family(t))
		s.params.FullHistory = true
		return s
	},
	"submodules over ssh": func(t *testing.T) scene {
		r := family(t)
		return overSSH(t, r, familyScene(t, r))
	},
	"SHA-256, submodules over ssh": func(t *testing.T) scene {
		r := family(t, gittest.SHA256)
		return overSSH(t, r, familyScene(t, r))
	},
	"submodules over TLS of a private authority, with a token": func(t *testing.T) scene { return overTLS(t, false) },
	"submodules over TLS on another host":                      func(t *testing.T) scene { return overTLS(t, true) },
	"SHA-256, Git LFS":                                         func(t *testing.T) scene { return lfsScene(t, newLFSHost(t, gittest.SHA256)) },
	"SHA-256, Git LFS, history": func(t *testing.T) scene {
		s := lfsScene(t, newLFSHost(t, gittest.SHA256))
		s.params.FullHistory = true
		return s
	},
	"Git LFS, Basic":   func(t *testing.T) scene { return lfsLogin(t, "") },
	"Git LFS, Bearer":  func(t *testing.T) scene { return lfsLogin(t, "bearer") },
	"Git LFS over ssh": func(t *testing.T) scene { return lfsOverSSH(t, false) },
	"SHA-256, Git LFS over ssh, its server over TLS": func(t *testing.T) scene { return lfsOverSSH(t, true, gittest.SHA256) },
	"a submodule with Git LFS":                       func(t *testing.T) scene { return lfsInside(t) },
	"SHA-256, a submodule with Git LFS":              func(t *testing.T) scene { return lfsInside(t, gittest.SHA256) },
	"SHA-256, a bundle":                              func(t *testing.T) scene { return bundleScene(t, false) },
	"SHA-256, a bundle, history":                     func(t *testing.T) scene { return bundleScene(t, true) },
	"SHA-256, a bundle with submodules over TLS":     bundleBeside,
}

// TestCrossings: whichever formats meet, a first launch succeeds, a file that the last run has
// changed is repaired, and a restart needs no network. Git agrees with each outcome.
func TestCrossings(t *testing.T) {
	for name, make := range crossings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := make(t)
			dir := filepath.Join(t.TempDir(), "work")
			s.params.WorkDir, s.params.StallTimeout, s.params.FetchTimeout, s.params.Retries = dir, 20*time.Second, time.Minute, -1
			cold := s.pin(t, true)
			for path, fetched := range map[string]bool{s.mended: false, s.fetched: true} {
				if path == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, path), []byte("evil"), 0o644); err != nil {
					t.Fatal(err)
				}
				if c := s.pin(t, fetched); c.ContentSHA256() != cold.ContentSHA256() {
					t.Errorf("%s was changed, and so is the content", path)
				}
			}
			for _, stop := range s.stop {
				stop()
			}
			for range 2 {
				if c := s.pin(t, false); c.ContentSHA256() != cold.ContentSHA256() || c.LFSSHA256() != cold.LFSSHA256() {
					t.Error("a restart has another content")
				}
			}
		})
	}
}

// pin pins the scene's commit, and requires that git agrees with the outcome.
func (s *scene) pin(t *testing.T, fetched bool) *gitpin.Checkout {
	t.Helper()
	c, err := gitpin.Pin(context.Background(), s.params)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if c.Fetched != fetched {
		t.Errorf("fetched is %t", c.Fetched)
	}
	dir := s.params.WorkDir
	agreed(t, dir, s.submodules...)
	for path, want := range s.contents {
		if got, err := os.ReadFile(filepath.Join(dir, path)); err != nil || string(got) != want {
			t.Errorf("%s has %d bytes, %v", path, len(got), err)
		}
	}
	for _, q := range [][]string{{"rev-parse", "HEAD", s.params.Commit.String()}, {"rev-list", "--count", "HEAD", s.commits}} {
		args, want := q[:len(q)-1], q[len(q)-1]
		if got, err := gittest.Git(dir, nil, args...); err != nil || got != want {
			t.Errorf("git %s: %s, %v", strings.Join(args, " "), got, err)
		}
	}
	return c
}

func familyScene(t *testing.T, r *repos) scene {
	s := scene{params: r.params("app", ""), commits: "1", mended: "vendor/lib/deep/in/in.txt", stop: []func(){r.stop}}
	s.submodules = []string{" " + first(t, r, "other") + " other place", " " + r.commits["lib"] + " vendor/lib", " " + r.commits["in"] + " vendor/lib/deep/in"}
	s.contents = map[string]string{"other place/a": "first\n", "vendor/lib/deep/in/in.txt": "innermost\n", "vendor/lib/lib.txt": "library\n"}
	return s
}

// overSSH makes every repository of a family on the host of REPO_URL come through a real sshd.
func overSSH(t *testing.T, r *repos, s scene) scene {
	host, err := gittest.StartSSH(filepath.Join(t.TempDir(), "ssh"))
	if err != nil {
		t.Fatal(err)
	}
	lib, in := r.commits["lib"], first(t, r, "other")
	at := func(name string) string { return host.URL(filepath.Join(r.Root, name+".git")) }
	r.commit("app", file("entrypoint.sh", "echo hello\n"), modules("vendor/lib", "vendor/lib", "../lib.git", "o", "other place", at("other")), gitlink("vendor/lib", lib), gitlink("other place", in))
	s.params = r.params("app", "")
	s.params.Repo = address(t, at("app"))
	s.params.Auth = gitpin.Credentials{SSHKeyFile: host.KeyFile, KnownHostsFile: host.KnownHosts}
	s.commits = "1"
	s.stop = []func(){r.stop, host.Stop}
	r.stop() // nothing may come over HTTP
	return s
}

// authority is a private authority, which no machine trusts by default.
type authority struct {
	*gittest.Authority
	file string // the path of its certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a, err := gittest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, a.PEM, 0o644); err != nil {
		t.Fatal(err)
	}
	return &authority{a, file}
}

// serve runs a server over https until the test ends.
func (a *authority) serve(t *testing.T, s *gittest.Server) (url string) {
	t.Helper()
	cert, _, _, err := a.Issue("127.0.0.1", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := s.StartTLS("127.0.0.1:0", cert)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return url
}

// overTLS makes a family come from a host that requires a token and has a certificate from a
// private authority. If elsewhere is true, a part of the family comes from another such host,
// which must get no token.
func overTLS(t *testing.T, elsewhere bool) scene {
	r, ca := family(t), newAuthority(t)
	mine, other := &gittest.Server{Root: r.Root, Password: "s3cret"}, &gittest.Server{Root: r.Root}
	own, from := ca.serve(t, mine), ca.serve(t, other)
	if !elsewhere {
		from = own
	}
	r.commit("app", file("entrypoint.sh", "echo hello\n"), modules("vendor/lib", "vendor/lib", from+"/lib.git", "o", "other place", "../other.git"), gitlink("vendor/lib", r.commits["lib"]), gitlink("other place", first(t, r, "other")))
	s := familyScene(t, r)
	s.params.Repo = address(t, own+"/app.git")
	s.params.Auth = gitpin.Credentials{TLSCAFile: ca.file, Token: credential.NewSecret("T", "s3cret")}
	s.stop = []func(){r.stop, func() { away(mine) }, func() {
		defer away(other)
		asked := other.Requests()
		if (len(asked) > 0) != elsewhere {
			t.Errorf("the other host got %d requests", len(asked))
		}
		for _, q := range asked {
			if q.Authorization {
				t.Errorf("the other host got a credential: %v", q)
			}
		}
	}}
	return s
}

func lfsScene(t *testing.T, h *lfsHost) scene {
	p := h.params(t, "")
	return scene{params: p, contents: h.files, commits: "1", mended: ".gitattributes", fetched: "large.bin", stop: []func(){h.stop}}
}

// lfsLogin returns a repository and its Git LFS server, which both require a token.
func lfsLogin(t *testing.T, scheme string) scene {
	h := newLFSHost(t)
	s := lfsScene(t, h)
	s.params.Auth = gitpin.Credentials{Token: credential.NewSecret("T", "s3cret")}
	h.lfs.Token, h.Password = "s3cret", "s3cret"
	if scheme == "" {
		return s
	}
	n := h.another(t)
	n.lfs.Token = "s3cret"
	n.Habits = append([]habit.Habit{habit.NeedHeader("Bearer s3cret", "Bearer")}, n.Habits...)
	url, stop, err := n.Start("127.0.0.1:0") // a server keeps the habits that it starts with
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	s.params.Repo = address(t, url+"/r.git")
	s.params.Auth.Scheme = "bearer"
	s.stop = append(s.stop, stop, n.stop)
	return s
}

// lfsInside returns a repository with a submodule that has files in Git LFS.
func lfsInside(t *testing.T, options ...string) scene {
	h := newLFSHost(t, options...)
	outer, err := gittest.NewRepo(filepath.Join(h.Root, "outer.git"), options...)
	if err != nil {
		t.Fatal(err)
	}
	sub := h.Head
	if h.Head, err = outer.Commit("main", "outer", file("entrypoint.sh", "cat m/model.bin\n"), modules("m", "m", "../r.git"), gitlink("m", sub)); err != nil {
		t.Fatal(err)
	}
	h.url = strings.Replace(h.url, "/r.git", "/outer.git", 1)
	s := lfsScene(t, h)
	s.params.Submodules = true
	s.submodules = []string{" " + sub + " m"}
	s.contents, s.mended, s.fetched = make(map[string]string), "m/entrypoint.sh", "m/large.bin"
	for path, content := range h.files {
		s.contents["m/"+path] = content
	}
	return s
}

// bundleScene returns a SHA-256 repository in a bundle.
func bundleScene(t *testing.T, history bool) scene {
	h := newHost(t, gittest.SHA256)
	s := scene{commits: map[bool]string{false: "1", true: "2"}[history], mended: "entrypoint.sh"}
	s.params = h.params(t, h.Head, "")
	s.params.FullHistory = history
	s.inBundle(t, h.Dir)
	h.stop()
	return s
}

// bundleBeside returns a repository in a bundle whose submodules are on a host.
func bundleBeside(t *testing.T) scene {
	r, ca := family(t, gittest.SHA256), newAuthority(t)
	server := &gittest.Server{Root: r.Root}
	url := ca.serve(t, server)
	const lib = "vendor/lib"
	r.commit("app", file("entrypoint.sh", "echo\n"), modules(lib, lib, url+"/lib.git"), gitlink(lib, r.commits["lib"]))
	s := familyScene(t, r)
	s.submodules = s.submodules[1:]
	delete(s.contents, "other place/a")
	s.params.Auth = gitpin.Credentials{TLSCAFile: ca.file}
	s.inBundle(t, filepath.Join(r.Root, "app.git"))
	s.stop = append(s.stop, func() { away(server) })
	return s
}

// away makes a server answer every further request with 503.
func away(s *gittest.Server) { s.Misbehave(gittest.Fault{Kind: "status", Arg: "503"}) }

// inBundle replaces the scene's repository with a bundle of it.
func (s *scene) inBundle(t *testing.T, repo string) {
	t.Helper()
	bundle := filepath.Join(t.TempDir(), "b.bundle")
	if err := os.WriteFile(bundle, bundled(t, repo, "--version=3", "--all"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.params.Repo = address(t, bundle)
	s.stop = append(s.stop, func() { os.Remove(bundle) })
}

// TestSubmoduleOfTheOtherFormat: a gitlink has as many digits as the ids of its own
// repository, so it can't be an id in a repository of the other format. Git takes the 40 digits
// of a SHA-1 gitlink for the beginning of a SHA-256 id, and clones. The launcher refuses: a
// part of an id proves nothing.
// SECURITY.md: M4.
func TestSubmoduleOfTheOtherFormat(t *testing.T) {
	short, long := family(t), family(t, gittest.SHA256)
	for name, c := range map[string]struct {
		of, in *repos
		commit string
		says   string
	}{
		"SHA-256 in SHA-1": {long, short, long.commits["in"][:40], "the repository is a SHA-256 one, whose ids have 64 digits; the pin is a SHA-1 id, of 40"},
		"SHA-1 in SHA-256": {short, long, short.commits["in"] + strings.Repeat("0", 24), "the repository is a SHA-1 one, whose ids have 40 digits; the pin is a SHA-256 id, of 64"},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.t = t
			c.in.commit("mixed", file("entrypoint.sh", "echo\n"), modules("in", "in", c.of.at("in")), gitlink("in", c.commit))
			var failed *gitpin.FetchError
			c.in.refused(t, c.in.params("mixed", filepath.Join(t.TempDir(), "work")), &failed, `submodule "in" at commit `+c.commit, c.says)
			if failed != nil && failed.Reason != fetch.OtherFormat {
				t.Errorf("the reason is %v", failed.Reason)
			}
			clone := filepath.Join(t.TempDir(), "clone")
			_, err := gittest.Git(t.TempDir(), nil, "clone", "-q", "--recurse-submodules", c.in.at("mixed"), clone)
			if head, herr := gittest.Git(filepath.Join(clone, "in"), nil, "rev-parse", "HEAD"); name == "SHA-256 in SHA-1" && (err != nil || head != c.of.commits["in"]) {
				t.Errorf("git: %s, %v", head, errors.Join(err, herr))
			} else if name != "SHA-256 in SHA-1" && err == nil {
				t.Errorf("git clones %s", head)
			}
		})
	}
}
