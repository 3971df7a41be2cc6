package gitpin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/lfstest"
)

// sshSecret is the token that the SSH host gives for requests to the Git LFS server.
const sshSecret = "s3cret-of-the-ssh-host"

// lfsSSH is a real sshd whose git-lfs-authenticate is a script, and a Git LFS server that
// requires the token that the script prints.
type lfsSSH struct {
	*lfsHost
	ssh    *gittest.SSH
	script string
	asked  string // the path of a file to which the script appends its arguments as a line
	api    string // the address of the Git LFS server
	ca     string // the path of the certificate of the server's authority
}

func newLFSSSH(t testing.TB, host *lfsHost) *lfsSSH {
	t.Helper()
	h := &lfsSSH{lfsHost: host}
	h.lfs.Token = sshSecret
	h.api = h.url + "/info/lfs"
	dir := t.TempDir()
	h.script, h.asked = filepath.Join(dir, "git-lfs-authenticate"), filepath.Join(dir, "asked")
	var err error
	if h.ssh, err = gittest.StartSSH(filepath.Join(t.TempDir(), "ssh"), fmt.Sprintf("SetEnv PATH=%s:/usr/bin:/bin", dir)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.ssh.Stop)
	h.answer(t, fmt.Sprintf(`{"href":%q,"header":{"Authorization":"Bearer %s"},"expires_in":3600}`, h.api, sshSecret))
	return h
}

// answer makes the host answer with a text.
func (h *lfsSSH) answer(t testing.TB, text string) { h.runs(t, "cat <<'END'\n"+text+"\nEND\n") }

// runs makes the host answer by running a script.
func (h *lfsSSH) runs(t testing.TB, script string) {
	t.Helper()
	text := fmt.Sprintf("#!/bin/sh\necho \"$@\" >>%q\n%s", h.asked, script)
	if err := os.WriteFile(h.script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (h *lfsSSH) params(t testing.TB, dir string) gitpin.Params {
	p := h.lfsHost.params(t, dir)
	p.Repo, p.StallTimeout = address(t, h.ssh.URL(h.Dir)), 20*time.Second
	p.Auth = gitpin.Credentials{SSHKeyFile: h.ssh.KeyFile, KnownHostsFile: h.ssh.KnownHosts, TLSCAFile: h.ca}
	return p
}

// overTLS moves the Git LFS server to https. Its links are to https, too, if links is true.
func (h *lfsSSH) overTLS(t *testing.T, links bool) {
	t.Helper()
	ca := newAuthority(t)
	h.ca = ca.file
	url := ca.serve(t, &gittest.Server{Root: h.Root, Habits: h.Server.Habits})
	if links {
		h.lfs.Storage = url
	}
	h.answer(t, fmt.Sprintf(`{"href":"%s/r.git/info/lfs","header":{"Authorization":"Bearer %s"}}`, url, sshSecret))
}

// lfsOverSSH returns a repository over SSH with a Git LFS server, which speaks TLS if tls is
// true.
func lfsOverSSH(t *testing.T, tls bool, options ...string) scene {
	h := newLFSSSH(t, newLFSHost(t, options...))
	if tls {
		h.overTLS(t, true)
	}
	s := lfsScene(t, h.lfsHost)
	s.params = h.params(t, "")
	s.stop = append(s.stop, h.ssh.Stop)
	return s
}

// TestLFSOverSSH: the SSH host is asked once, in the same words as by git-lfs. The token that
// it gives goes to its server alone, and into no log and no file.
// SECURITY.md: G12.
func TestLFSOverSSH(t *testing.T) {
	h := newLFSSSH(t, newLFSHost(t))
	var log bytes.Buffer
	p := h.params(t, filepath.Join(t.TempDir(), "work"))
	p.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c, err := gitpin.Pin(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	h.holds(t, p.WorkDir, c)
	ours, err := os.ReadFile(h.asked)
	if err != nil || string(ours) != h.Dir+" download\n" {
		t.Errorf("the host was asked %q, %v", ours, err)
	}
	for _, r := range h.lfs.Requests() {
		if want := map[bool]string{true: "Bearer " + sshSecret}[r.Method == http.MethodPost]; r.Authorization != want {
			t.Errorf("%s %s came with %q", r.Method, r.Path, r.Authorization)
		}
	}
	if strings.Contains(log.String(), sshSecret) {
		t.Errorf("the log has the secret:\n%s", &log)
	}
	withoutSecret(t, p.WorkDir, sshSecret)
	// git-lfs asks the same host the same question, and gets the same contents.
	if err := os.Remove(h.asked); err != nil {
		t.Fatal(err)
	}
	clone := t.TempDir()
	ssh := fmt.Sprintf("core.sshCommand=ssh -i %s -o UserKnownHostsFile=%s -o IdentitiesOnly=yes", h.ssh.KeyFile, h.ssh.KnownHosts)
	h.git(t, clone, "-c", ssh, "clone", "-q", h.ssh.URL(h.Dir), "c")
	h.git(t, filepath.Join(clone, "c"), "-c", ssh, "lfs", "fetch")
	theirs, err := os.ReadFile(h.asked)
	if err != nil || !strings.HasPrefix(string(theirs), string(ours)) {
		t.Errorf("git-lfs asks the host %q, %v", theirs, err)
	}
}

// lfsSSHAttacks lists what an SSH host with Git LFS may do, and how the launch then ends.
var lfsSSHAttacks = map[string]struct {
	change func(t *testing.T, h *lfsSSH)
	reason fetch.Reason
	says   string
}{
	"no such command": {func(t *testing.T, h *lfsSSH) { os.Remove(h.script) }, fetch.Unsuitable, "the SSH host has no git-lfs-authenticate"},
	"no such command, in a host's own way": {func(t *testing.T, h *lfsSSH) { h.runs(t, "echo 'git-lfs-authenticate: not found' >&2; exit 1\n") },
		fetch.Unsuitable, "the SSH host has no git-lfs-authenticate"},
	"refused in words": {func(t *testing.T, h *lfsSSH) { h.runs(t, `printf 'ERROR: no \033[31maccess\n' >&2; exit 1`) }, fetch.Refused, "git-lfs-authenticate ends with status 1; it says: ERROR: no [31maccess"},
	"nothing":          {func(t *testing.T, h *lfsSSH) { h.runs(t, "") }, fetch.BadAnswer, "is not JSON as Git LFS has it"},
	"a greeting":       {func(t *testing.T, h *lfsSSH) { h.answer(t, "Welcome!\n{}") }, fetch.BadAnswer, "is not JSON as Git LFS has it"},
	"two answers":      {func(t *testing.T, h *lfsSSH) { h.answer(t, "{}\n{}") }, fetch.BadAnswer, "is not JSON as Git LFS has it"},
	"a list":           {func(t *testing.T, h *lfsSSH) { h.answer(t, "[]") }, fetch.BadAnswer, "is not JSON as Git LFS has it"},
	"endless":          {func(t *testing.T, h *lfsSSH) { h.runs(t, "exec yes") }, fetch.BadAnswer, "has more than 64 KiB"},
	"silent":           {func(t *testing.T, h *lfsSSH) { h.runs(t, "exec sleep 600") }, fetch.Stalled, "no byte has come from the server for the stall timeout"},
	"drips":            {func(t *testing.T, h *lfsSSH) { h.runs(t, "while printf ' '; do sleep 0.2; done") }, fetch.Stalled, "within the pack timeout"},
	"in clear, elsewhere": {func(t *testing.T, h *lfsSSH) { h.answer(t, `{"href":"http://192.0.2.1/x"}`) },
		fetch.BadAnswer, "has an address that is not https://"},
	"a file": {func(t *testing.T, h *lfsSSH) { h.answer(t, `{"href":"file:///etc/passwd"}`) }, fetch.BadAnswer, "is not an address"},
	"part of an address": {func(t *testing.T, h *lfsSSH) { h.answer(t, `{"href":"/x"}`) },
		fetch.BadAnswer, "is not an address"},
	"a link-local address": {func(t *testing.T, h *lfsSSH) { h.answer(t, `{"href":"https://169.254.169.254/x"}`) },
		fetch.Unsuitable, "to a link-local or loopback address"},
	"another host's name in a header": {func(t *testing.T, h *lfsSSH) {
		h.answer(t, fmt.Sprintf(`{"href":%q,"header":{"Host":"metadata"}}`, h.api))
	}, fetch.BadAnswer, "no link may set"},
	"a header of two lines": {func(t *testing.T, h *lfsSSH) {
		h.answer(t, fmt.Sprintf(`{"href":%q,"header":{"X":"a\r\nB: c"}}`, h.api))
	}, fetch.BadAnswer, "has a control character in it"},
	"over already": {func(t *testing.T, h *lfsSSH) { h.answer(t, fmt.Sprintf(`{"href":%q,"expires_in":-1}`, h.api)) },
		fetch.Unsuitable, "the access from git-lfs-authenticate expired"},
	"a secret that its server refuses, and repeats": {func(t *testing.T, h *lfsSSH) {
		h.lfs.Batch = status(401, "you sent "+sshSecret)
	}, fetch.Auth, "the server refuses the token; it says unauthorized: you sent [secret]"},
	"a secret of a link that the storage refuses, and repeats": {func(t *testing.T, h *lfsSSH) {
		h.lfs.Action = func(_ string, action map[string]any) {
			action["header"] = map[string]string{"X-Key": "Bearer " + sshSecret + "-of-a-link"}
			action["href"] = action["href"].(string) + "?signature=" + sshSecret + "-of-a-query"
		}
		h.lfs.Download = status(403, "you sent "+sshSecret+"-of-a-link and "+sshSecret+"-of-a-query")
		h.lfs.Token = ""
		h.answer(t, fmt.Sprintf(`{"href":%q}`, h.api))
	}, fetch.Auth, "you sent [secret] and [secret] (HTTP 403)"},
	"a secret of a redirect that the storage refuses, and repeats": {func(t *testing.T, h *lfsSSH) {
		h.lfs.Download = func(w http.ResponseWriter, r *http.Request) bool {
			const signed = "signature=" + sshSecret + "%2fof-a-redirect"
			if r.URL.RawQuery != signed {
				http.Redirect(w, r, r.URL.Path+"?"+signed, http.StatusFound)
				return true
			}
			return status(403, "you sent "+sshSecret+"%2fof-a-redirect and "+sshSecret+"/of-a-redirect")(w, r)
		}
		h.lfs.Token = ""
		h.answer(t, fmt.Sprintf(`{"href":%q}`, h.api))
	}, fetch.Auth, "you sent [secret] and [secret] (HTTP 403)"},
	"no secret": {func(t *testing.T, h *lfsSSH) { h.answer(t, fmt.Sprintf(`{"href":%q}`, h.api)) },
		fetch.Auth, "the server wants a login"},
	"a redirect to another host": {func(t *testing.T, h *lfsSSH) {
		other := &lfstest.Server{Dir: h.lfs.Dir, Token: sshSecret}
		server := httptest.NewServer(other)
		t.Cleanup(func() {
			server.Close()
			for _, r := range other.Requests() {
				if r.Authorization != "" {
					t.Errorf("another host got the secret: %v", r)
				}
			}
		})
		h.lfs.Batch = func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, server.URL+r.URL.Path, http.StatusTemporaryRedirect)
			return true
		}
	}, fetch.Auth, "to which the server redirects, wants a login"},
	"from https to http": {func(t *testing.T, h *lfsSSH) { h.overTLS(t, false) }, fetch.Unsuitable, "refusing a redirect from https to http"},
	"an authority that is not known": {func(t *testing.T, h *lfsSSH) {
		h.overTLS(t, true)
		h.ca = ""
	}, fetch.Authority, "from an authority that is not known here"},
}

// TestLFSOverSSHAttacks: whatever the SSH host answers, no secret is sent or logged where it
// does not belong, and the launch's error names the true cause.
// SECURITY.md: G12.
func TestLFSOverSSHAttacks(t *testing.T) {
	filled := newLFSHost(t)
	for name, c := range lfsSSHAttacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newLFSSSH(t, filled.another(t))
			c.change(t, h)
			p := h.params(t, filepath.Join(t.TempDir(), "work"))
			switch name { // the others wait for nobody
			case "silent":
				p.StallTimeout = 2 * time.Second
			case "drips":
				p.PackTimeout = 6 * time.Second
			}
			_, err := gitpin.Pin(context.Background(), p)
			var failed *gitpin.FetchError
			if !errors.As(err, &failed) || failed.Reason != c.reason || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\x1b") || strings.Contains(err.Error(), sshSecret) {
				t.Errorf("%v", err)
			}
			if _, err := os.Lstat(p.WorkDir); err == nil {
				t.Error("WORK_DIR exists after a refusal")
			}
		})
	}
}

// TestLFSConfigBeside: for a repository over SSH or in a bundle, .lfsconfig may name the Git
// LFS server. Its address must be https://, or on this machine if the SSH host is. The SSH host
// is not asked then.
// SECURITY.md: G11.
func TestLFSConfigBeside(t *testing.T) {
	filled := newLFSHost(t)
	for name, c := range map[string]struct {
		url    string
		bundle bool
		says   string
	}{
		"over ssh":                             {"", false, ""},
		"over ssh, in clear":                   {"http://lfs.example.org/x", false, ".lfsconfig has an address that is not https://"},
		"a bundle, in clear":                   {"http://lfs.example.org/x", true, ".lfsconfig has an address that is not https://"},
		"a bundle, to this machine's services": {"https://127.0.0.1:1/x", true, "to a link-local or loopback address"},
	} {
		h := newLFSSSH(t, filled.another(t))
		h.lfs.Token = ""
		pointer, err := gittest.Git(h.Dir, nil, "cat-file", "blob", h.Head+":model.bin")
		if err != nil {
			t.Fatal(err)
		}
		if c.url == "" {
			c.url = h.api
		}
		if h.Head, err = h.Commit("main", "m", file(".lfsconfig", "[lfs]\n\turl = "+c.url+"\n"), file("m", pointer+"\n")); err != nil {
			t.Fatal(err)
		}
		s := scene{params: h.params(t, filepath.Join(t.TempDir(), "work")), commits: "1", contents: map[string]string{"m": h.files["model.bin"]}}
		if c.bundle {
			s.inBundle(t, h.Dir)
		}
		if c.says == "" {
			s.pin(t, true)
		} else if _, err := gitpin.Pin(context.Background(), s.params); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(h.asked); err == nil {
			t.Errorf("%s: the SSH host was asked", name)
		}
	}
}
