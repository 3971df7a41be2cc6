package testscripts

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"

	"gitlauncher/internal/gittest"
)

// sshd starts a server with further lines of configuration. The URL is made from a form
// with USER, PORT, DIR (of the repositories) and HOME in it.
func (w *hostWorld) sshd(form string, lines ...string) (hostInput, *gittest.SSH) {
	w.t.Helper()
	s, err := gittest.StartSSH(filepath.Join(w.dir, "ssh"), lines...)
	w.check(err)
	w.t.Cleanup(s.Stop)
	url := strings.NewReplacer("USER", s.User(), "PORT", s.Port(), "DIR", filepath.Join(w.dir, "srv")).Replace(form)
	return hostInput{
		url:   url,
		lines: []string{"SSH_KEY_FILE=" + s.KeyFile, "SSH_KNOWN_HOSTS_FILE=" + s.KnownHosts},
		gitEnv: []string{"GIT_SSH_COMMAND=ssh -F /dev/null -i " + s.KeyFile + " -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o BatchMode=yes -o LogLevel=ERROR -o UserKnownHostsFile=" +
			s.KnownHosts},
	}, s
}

func form(f string, lines ...string) func(*hostWorld) hostInput {
	return func(w *hostWorld) hostInput {
		in, _ := w.sshd(f, lines...)
		return in
	}
}

// home returns a repository below the user's home directory, which the form names HOME.
func home(f string) func(*hostWorld) hostInput {
	return func(w *hostWorld) hostInput {
		me, err := user.Current()
		w.check(err)
		dir, err := os.MkdirTemp(me.HomeDir, ".git-launcher-test-")
		w.check(err)
		w.t.Cleanup(func() { os.RemoveAll(dir) })
		w.check(os.Rename(filepath.Join(w.dir, "srv/r.git"), filepath.Join(dir, "r.git")))
		in, _ := w.sshd(strings.ReplaceAll(f, "HOME", filepath.Base(dir)))
		return in
	}
}

// path returns a repository with this path.
func path(p, f string) func(*hostWorld) hostInput {
	return func(w *hostWorld) hostInput {
		_, head := w.bare("srv/" + p)
		in, _ := w.sshd(f)
		in.commit = head
		return in
	}
}

// key returns the sample over ssh, with a key that ssh-keygen makes and that change
// then changes.
func key(change func(w *hostWorld, file string), args ...string) func(*hostWorld) hostInput {
	return func(w *hostWorld) hostInput {
		in, s := w.sshd("ssh://USER@127.0.0.1:PORTDIR/r.git")
		file := filepath.Join(w.dir, "mine")
		out, err := exec.Command("ssh-keygen", append([]string{"-q", "-f", file}, args...)...).CombinedOutput()
		if err != nil {
			w.t.Fatalf("%v: %s", err, out)
		}
		w.check(s.Authorize(file + ".pub"))
		if change != nil {
			change(w, file)
		}
		in.lines[0] = "SSH_KEY_FILE=" + file
		return in
	}
}

// text returns a function that rewrites a file.
func text(edit func(string) string) func(*hostWorld, string) {
	return func(w *hostWorld, file string) {
		content, err := os.ReadFile(file)
		w.check(err)
		w.check(os.WriteFile(file, []byte(edit(string(content))), 0o600))
	}
}

var sshRows = []hostRow{
	{kind: "ssh addresses", input: "`ssh://user@host:port/path`", git: clones, set: form("ssh://USER@127.0.0.1:PORTDIR/r.git")},
	{kind: "ssh addresses", input: "a slash at the end", git: clones, set: form("ssh://USER@127.0.0.1:PORTDIR/r.git/")},
	{kind: "ssh addresses", input: "`ssh://[::1]:port/path`", git: clones, set: form("ssh://USER@[::1]:PORTDIR/r.git")},
	{kind: "ssh addresses", input: "`ssh://host:port/~/path`", git: clones, set: home("ssh://USER@127.0.0.1:PORT/~/HOME/r.git")},
	{kind: "ssh addresses", input: "`ssh://host:port/~user/path`", git: clones, set: home("ssh://USER@127.0.0.1:PORT/~USER/HOME/r.git")},
	{kind: "ssh addresses", input: "`user@[host:port]:/path`", git: clones, set: form("USER@[127.0.0.1:PORT]:DIR/r.git")},
	{kind: "ssh addresses", input: "`user@[host:port]:path`", git: clones, set: home("USER@[127.0.0.1:PORT]:HOME/r.git")},
	{kind: "ssh addresses", input: "`user@[host:port]:~/path`", git: clones, set: home("USER@[127.0.0.1:PORT]:~/HOME/r.git")},
	{kind: "ssh addresses", input: "`[host:port]:path`, no user", git: clones, set: home("[127.0.0.1:PORT]:HOME/r.git")},
	{kind: "ssh addresses", input: "`[user@host:port]:/path`", git: clones, set: form("[USER@127.0.0.1:PORT]:DIR/r.git")},
	{kind: "ssh addresses", input: "`ssh://host:port/path`, no user", git: clones, set: form("ssh://127.0.0.1:PORTDIR/r.git")},
	{kind: "ssh addresses", input: "`/a%20b.git`", git: clones, set: path("a b.git", "ssh://USER@127.0.0.1:PORTDIR/a%20b.git")},
	{kind: "ssh addresses", input: "quotes, dollars and backslashes in the path", git: clones, set: path("it's $HOME!`x`\\.git", "ssh://USER@127.0.0.1:PORTDIR/it's%20$HOME!%60x%60%5C.git")},
	{kind: "ssh addresses", input: "`/c%2B%2B.git`", git: clones, set: path("c++.git", "ssh://USER@127.0.0.1:PORTDIR/c%2B%2B.git")},
	{kind: "ssh addresses", input: "`host:path` without a dot or a user", git: fails, exit: 2, says: "for ssh write git@host:path", set: func(*hostWorld) hostInput { return hostInput{url: "gitserver:path/r.git"} }},
	{kind: "ssh addresses", input: "a port that is none", git: fails, exit: 2, says: "a port that is not a number from 1 to 65535", set: func(*hostWorld) hostInput { return hostInput{url: "git@[127.0.0.1:99999]:r.git"} }},
	{kind: "ssh addresses", input: "a password", git: fails, exit: 2, says: "holds a credential", set: func(*hostWorld) hostInput { return hostInput{url: "ssh://git:" + token + "@127.0.0.1:1/r.git"} }},

	{kind: "ssh servers", input: "no repository at that path", git: fails, exit: 3, says: "does not appear to be a git repository", set: form("ssh://USER@127.0.0.1:PORTDIR/none.git")},
	{kind: "ssh servers", input: "a host's own words: `ERROR: Repository not found.`", git: fails, exit: 3, says: "the server says: ERROR: Repository not found.", set: form("ssh://USER@127.0.0.1:PORT/x/y.git", `ForceCommand printf 'ERROR: Repository not found.\n' >&2; exit 1`)},
	{kind: "ssh servers", input: "git is not installed there", git: fails, exit: 3, says: "git-upload-pack: not found", set: form("ssh://USER@127.0.0.1:PORT/x/y.git", `ForceCommand echo 'sh: 1: git-upload-pack: not found' >&2; exit 127`)},
	{kind: "ssh servers", input: "a greeting before the references", git: fails, exit: 3, again: true, says: "has \"Welc\" where a length is due", set: form("ssh://USER@127.0.0.1:PORT/x/y.git", `ForceCommand echo Welcome; git-upload-pack /nowhere`)},
	{kind: "ssh servers", input: "a banner", git: clones, set: func(w *hostWorld) hostInput {
		in, _ := w.sshd("ssh://USER@127.0.0.1:PORTDIR/r.git", "Banner "+w.file("banner", "No trespassing\n"))
		return in
	}},
	{kind: "ssh servers", input: "a server that is not SSH's", git: fails, exit: 3, again: true, says: "ssh: ", set: func(w *hostWorld) hostInput {
		in, _ := w.sshd("")
		in.url = "ssh://git@" + w.speaks("HTTP/1.1 400 Bad Request\r\n\r\n") + "/r.git"
		return in.with("--retries", "1")
	}},
	{kind: "ssh servers", input: "a host key that is not known", git: fails, exit: 3, says: "the SSH host's key is not in the known-hosts file; it is ssh-ed25519 SHA256:", set: func(w *hostWorld) hostInput {
		in, s := w.sshd("ssh://USER@127.0.0.1:PORTDIR/r.git")
		w.check(os.WriteFile(s.KnownHosts, nil, 0o600))
		return in
	}},
	{kind: "ssh servers", input: "a host key that is another than the known one", git: fails, exit: 3, says: "somebody may be in between", set: func(w *hostWorld) hostInput {
		in, s := w.sshd("ssh://USER@127.0.0.1:PORTDIR/r.git")
		pub, err := os.ReadFile(s.KeyFile + ".pub")
		w.check(err)
		f := strings.Fields(string(pub))
		w.check(os.WriteFile(s.KnownHosts, []byte(fmt.Sprintf("[127.0.0.1]:%s %s %s\n", s.Port(), f[0], f[1])), 0o600))
		return in
	}},
	{kind: "ssh servers", input: "a host key that is @revoked", git: fails, exit: 3, says: "is marked @revoked", set: func(w *hostWorld) hostInput {
		in, s := w.sshd("ssh://USER@127.0.0.1:PORTDIR/r.git")
		known, err := os.ReadFile(s.KnownHosts)
		w.check(err)
		w.check(os.WriteFile(s.KnownHosts, []byte(strings.ReplaceAll("\n"+strings.TrimSpace(string(known)), "\n", "\n@revoked ")[1:]+"\n"), 0o600))
		return in
	}},
	{kind: "ssh servers", input: "a known-hosts file that is none", git: fails, exit: 2, says: "is not a known-hosts file: line 2 has no host and key", set: func(w *hostWorld) hostInput {
		in, s := w.sshd("ssh://USER@127.0.0.1:PORTDIR/r.git")
		w.check(os.WriteFile(s.KnownHosts, []byte("# keys\nwhat is this\n"), 0o600))
		return in
	}},
	{kind: "ssh servers", input: "a key that may not log in", git: fails, exit: 3, says: "the SSH server refuses the key for the user", set: func(w *hostWorld) hostInput {
		in, s := w.sshd("ssh://USER@127.0.0.1:PORTDIR/r.git")
		w.check(os.WriteFile(filepath.Join(filepath.Dir(s.KeyFile), "authorized_keys"), nil, 0o600))
		return in
	}},

	{kind: "ssh keys", input: "RSA, PKCS#1", git: clones, set: key(nil, "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "")},
	{kind: "ssh keys", input: "RSA, PKCS#8", git: clones, set: key(nil, "-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", "")},
	{kind: "ssh keys", input: "ECDSA, SEC 1", git: clones, set: key(nil, "-t", "ecdsa", "-m", "PEM", "-N", "")},
	{kind: "ssh keys", input: "ECDSA of 521 bits", git: clones, set: key(nil, "-t", "ecdsa", "-b", "521", "-N", "")},
	{kind: "ssh keys", input: "no newline at the end, CRLF, blank lines before", git: clones, set: key(text(func(s string) string {
		return "\r\n" + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\r\n")
	}), "-t", "ed25519", "-N", "")},
	{kind: "ssh keys", input: "a passphrase", git: clones, exit: 2, says: "holds a key with a passphrase", set: key(nil, "-t", "ed25519", "-N", token)},
	{kind: "ssh keys", input: "a passphrase, PKCS#1", git: clones, exit: 2, says: "holds a key with a passphrase", set: key(nil, "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", token)},
	{kind: "ssh keys", input: "a passphrase, PKCS#8", git: clones, exit: 2, says: "holds a key with a passphrase", set: key(nil, "-t", "ecdsa", "-m", "PKCS8", "-N", token)},
	{kind: "ssh keys", input: "the public key", git: clones, exit: 2, says: "holds a public key; the private one is needed", set: key(func(w *hostWorld, file string) { w.check(os.Rename(file+".pub", file)) }, "-t", "ed25519", "-N", "")},
	{kind: "ssh keys", input: "PuTTY's form", git: clones, exit: 2, says: "holds a key in PuTTY's form", set: key(text(func(string) string {
		return "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: imported\n"
	}), "-t", "ed25519", "-N", "")},
	{kind: "ssh keys", input: "`\\n` in place of line ends", git: clones, exit: 2, says: `has \\n written out where its lines should end`, set: key(text(func(s string) string { return strings.ReplaceAll(s, "\n", `\n`) }), "-t", "ed25519", "-N", "")},
	{kind: "ssh keys", input: "blanks in place of line ends", git: clones, exit: 2, says: "has lost its line ends", set: key(text(func(s string) string { return strings.ReplaceAll(s, "\n", " ") }), "-t", "ed25519", "-N", "")},
	{kind: "ssh keys", input: "cut off", git: clones, exit: 2, says: "holds a private key that is cut off", set: key(text(func(s string) string { return s[:len(s)/2] }), "-t", "ed25519", "-N", "")},
	{kind: "ssh keys", input: "a byte-order mark", git: clones, exit: 2, says: "begins with a byte-order mark", set: key(text(func(s string) string { return "\ufeff" + s }), "-t", "ed25519", "-N", "")},
	{kind: "ssh keys", input: "an empty file", git: clones, exit: 2, says: "is empty", set: key(text(func(string) string { return "" }), "-t", "ed25519", "-N", "")},
}

var localRows = []hostRow{
	{kind: "Repositories on this machine", input: "a blank, a colon, a percent sign and a # in the path", git: clones, set: func(w *hostWorld) hostInput {
		repo, head := w.bare("srv/a b:c%20#d.git")
		return hostInput{url: repo.Dir, commit: head}
	}},
	{kind: "Repositories on this machine", input: "`file:///…/a%20b.git`", git: clones, set: func(w *hostWorld) hostInput {
		repo, head := w.bare("srv/a b.git")
		return hostInput{url: "file://" + strings.ReplaceAll(repo.Dir, " ", "%20"), commit: head}
	}},
	{kind: "Repositories on this machine", input: "`/srv/r` for `/srv/r.git`", git: clones, set: func(w *hostWorld) hostInput {
		return hostInput{url: strings.TrimSuffix(w.repo.Dir, ".git")}
	}},
	{kind: "Repositories on this machine", input: "a slash at the end", git: clones, set: func(w *hostWorld) hostInput { return hostInput{url: w.repo.Dir + "/"} }},
	{kind: "Repositories on this machine", input: "a worktree whose .git is a file", git: clones, set: func(w *hostWorld) hostInput {
		tree := filepath.Join(w.dir, "tree")
		_, err := gittest.Git(w.repo.Dir, nil, "worktree", "add", "-q", "-b", "w", tree, "main")
		w.check(err)
		return hostInput{url: tree}
	}},
	{kind: "Repositories on this machine", input: "a directory that is no repository", git: fails, exit: 3, says: "does not appear to be a git repository", set: func(w *hostWorld) hostInput { return hostInput{url: filepath.Join(w.dir, "srv")} }},
	{kind: "Repositories on this machine", input: "no directory", git: fails, exit: 3, says: "there is no repository at that path", set: func(w *hostWorld) hostInput { return hostInput{url: filepath.Join(w.dir, "none")} }},
}
