package testscripts

import (
	"net/http"
	"path/filepath"
	"strings"

	"gitlauncher/internal/gittest"
	"gitlauncher/internal/gittest/habit"
)

// sha256 makes a SHA-256 repository at srv/s.git.
func (w *hostWorld) sha256() (*gittest.Repo, string) { return w.bare("srv/s.git", gittest.SHA256) }

// long returns a SHA-256 repository over HTTP, from a server with habits.
func long(habits ...habit.Habit) func(*hostWorld) hostInput {
	return func(w *hostWorld) hostInput {
		_, head := w.sha256()
		return hostInput{url: w.serve(habits...) + "/s.git", commit: head}
	}
}

const (
	isLong  = "the repository is a SHA-256 one, whose ids have 64 digits; the pin is a SHA-1 id, of 40"
	isShort = "the repository is a SHA-1 one, whose ids have 40 digits; the pin is a SHA-256 id, of 64"
)

var formatRows = []hostRow{
	{kind: "SHA-256 repositories", input: "over HTTP", git: clones, set: long()},
	{kind: "SHA-256 repositories", input: "over HTTP, `FETCH_DEPTH=full`", git: clones, set: func(w *hostWorld) hostInput {
		in := long()(w)
		in.lines = []string{"FETCH_DEPTH=full"}
		return in
	}},
	{kind: "SHA-256 repositories", input: "a commit that no reference points at any more", git: clones, set: func(w *hostWorld) hostInput {
		repo, head := w.sha256()
		_, err := repo.Commit("main", "two", gittest.File{Path: "entrypoint.sh", Content: "echo later\n"})
		w.check(err)
		return hostInput{url: w.serve() + "/s.git", commit: head}
	}},
	{kind: "SHA-256 repositories", input: "a server that requires `multi_ack`", git: clones, set: long(habit.NeedCapability("multi_ack"))},
	{kind: "SHA-256 repositories", input: "a redirect", git: clones, set: long(habit.Redirect(302, "/s.git", "/moved.git"), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, "/moved.git", "/s.git", 1)
			next.ServeHTTP(rw, r)
		})
	})},
	{kind: "SHA-256 repositories", input: "over ssh", git: clones, set: func(w *hostWorld) hostInput {
		_, head := w.sha256()
		in, _ := w.sshd("ssh://USER@127.0.0.1:PORTDIR/s.git")
		in.commit = head
		return in
	}},
	{kind: "SHA-256 repositories", input: "on this machine", git: clones, set: func(w *hostWorld) hostInput {
		repo, head := w.sha256()
		return hostInput{url: repo.Dir, commit: head}
	}},
	{kind: "SHA-256 repositories", input: "a bundle", git: clones, set: func(w *hostWorld) hostInput {
		repo, head := w.sha256()
		file := filepath.Join(w.dir, "s.bundle")
		_, err := gittest.Git(repo.Dir, nil, "bundle", "create", "-q", file, "HEAD", "main")
		w.check(err)
		return hostInput{url: file, commit: head}
	}},
	{kind: "SHA-256 repositories", input: "static files (dumb HTTP)", git: clones, exit: 3, says: "the server has the repository as static files only (dumb HTTP)", set: func(w *hostWorld) hostInput {
		repo, head := w.sha256()
		_, err := gittest.Git(repo.Dir, nil, "update-server-info")
		w.check(err)
		return hostInput{url: "http://" + w.pages(http.FileServer(http.Dir(filepath.Join(w.dir, "srv")))) + "/s.git", commit: head}
	}},
	{kind: "SHA-256 repositories", input: "an empty one", git: nothing, exit: 4, says: "the repository is empty", set: func(w *hostWorld) hostInput {
		_, err := gittest.NewRepo(filepath.Join(w.dir, "srv/e.git"), gittest.SHA256)
		w.check(err)
		return hostInput{url: w.serve() + "/e.git", commit: strings.Repeat("ab", 32)}
	}},
	{kind: "SHA-256 repositories", input: "over HTTP, under a pin of 40 digits", git: clones, exit: 4, says: isLong, set: func(w *hostWorld) hostInput {
		in := long()(w)
		in.commit = in.commit[:40]
		return in
	}},
	{kind: "SHA-256 repositories", input: "over ssh, under a pin of 40 digits", git: clones, exit: 4, says: isLong, set: func(w *hostWorld) hostInput {
		_, head := w.sha256()
		in, _ := w.sshd("ssh://USER@127.0.0.1:PORTDIR/s.git")
		in.commit = head[:40]
		return in
	}},
	{kind: "SHA-256 repositories", input: "on this machine, under a pin of 40 digits", git: clones, exit: 4, says: isLong, set: func(w *hostWorld) hostInput {
		repo, head := w.sha256()
		return hostInput{url: repo.Dir, commit: head[:40]}
	}},
	{kind: "SHA-256 repositories", input: "a SHA-1 repository over HTTP, under a pin of 64 digits", git: clones, exit: 4, says: isShort, set: func(w *hostWorld) hostInput {
		in := w.web()
		in.commit = w.head + w.head[:24]
		return in
	}},
	{kind: "SHA-256 repositories", input: "a SHA-1 repository over ssh, under a pin of 64 digits", git: clones, exit: 4, says: isShort, set: func(w *hostWorld) hostInput {
		in, _ := w.sshd("ssh://USER@127.0.0.1:PORTDIR/r.git")
		in.commit = w.head + w.head[:24]
		return in
	}},
}
