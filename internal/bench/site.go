package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gitlauncher/internal/gittest"
	"gitlauncher/internal/gittest/habit"
)

// site is one repository on a server, and a place to work.
type site struct {
	dir, url, head string
	launcher       string
	keep           bool   // keep folders: removing many files slows later runs down on some disks
	clone, work    string // of the last cold run
	lines          string // further lines of the config
	habits         []habit.Habit
	n              int
	stop           func()
}

func newSite(tmp, launcher string, l load, canned bool) (*site, error) {
	s, err := emptySite(tmp, launcher)
	if err != nil {
		return nil, err
	}
	if s.head, err = l.build(filepath.Join(s.dir, "srv", "r.git")); err != nil {
		s.close()
		return nil, err
	}
	return s, s.serve(canned)
}

// emptySite returns a site without a repository.
func emptySite(tmp, launcher string) (*site, error) {
	dir, err := os.MkdirTemp(tmp, "bench-")
	return &site{dir: dir, launcher: launcher, stop: func() {}}, err
}

// serve starts a server. If canned, it replays git's first answer.
func (s *site) serve(canned bool) error {
	s.stop()
	server := &gittest.Server{Root: filepath.Join(s.dir, "srv"), Canned: canned, Habits: s.habits}
	url, stop, err := server.Start("127.0.0.1:0")
	s.url, s.stop = url+"/r.git", stop
	return err
}

func (s *site) close() {
	s.stop()
	os.RemoveAll(s.dir)
}

// fresh makes a new folder and removes the one before.
func (s *site) fresh(kind string, last *string) string {
	if !s.keep {
		os.RemoveAll(*last)
	}
	s.n++
	*last = filepath.Join(s.dir, fmt.Sprintf("%s%d", kind, s.n))
	return *last
}

func (s *site) gitShallow(watch bool) (usage, error) {
	dir := s.fresh("git", &s.clone)
	return timed(watch, s.dir, `git init -q "$1" && cd "$1" && git remote add origin "$2" && git fetch -q --depth 1 origin "$3" && git checkout -q --detach "$3"`, dir, s.url, s.head)
}

func (s *site) gitClone(watch bool) (usage, error) {
	dir := s.fresh("git", &s.clone)
	return timed(watch, s.dir, `git clone -q "$2" "$1" && cd "$1" && git checkout -qf "$3" && git reset -q --hard "$3" && git clean -qffdx`, dir, s.url, s.head)
}

func (s *site) gitRefresh(watch bool) (usage, error) {
	return timed(watch, s.clone, `git fetch -q origin && git checkout -qf "$1" && git reset -q --hard "$1" && git clean -qffdx`, s.head)
}

// gitProve is gitRefresh, made to look at every byte that we look at.
func (s *site) gitProve(watch bool) (usage, error) {
	return timed(watch, s.clone, `git fetch -q origin && git fsck --no-progress && rm -f .git/index && git reset -q --hard "$1" && git clean -qffdx`, s.head)
}

// tar unpacks the files of the last launch.
func (s *site) tar(watch bool) (usage, error) {
	dir := s.fresh("tar", &s.clone)
	return timed(watch, s.dir, `mkdir "$1" && tar xf tree.tar -C "$1"`, dir)
}

// alone has the server answer and discards the answer.
func (s *site) alone(bool) (usage, error) {
	pkt := func(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }
	body := pkt("want "+s.head+" ofs-delta side-band-64k no-progress\n") + pkt("deepen 1") + "0000" + pkt("done\n")
	start := time.Now()
	res, err := http.Post(s.url+"/git-upload-pack", "application/x-git-upload-pack-request", strings.NewReader(body))
	if err != nil {
		return usage{}, err
	}
	defer res.Body.Close()
	var head bytes.Buffer
	if _, err := io.CopyN(&head, res.Body, 64); err != nil || !bytes.Contains(head.Bytes(), []byte(s.head)) {
		return usage{}, fmt.Errorf("the server sends no pack: %q", head.Bytes())
	}
	_, err = io.Copy(io.Discard, res.Body)
	return usage{seconds: time.Since(start).Seconds()}, err
}

// cold launches into a new folder.
func (s *site) cold(watch bool) (usage, error) {
	s.fresh("ours", &s.work)
	return s.restart(watch)
}

// restart launches in the folder of the launch before.
func (s *site) restart(watch bool) (usage, error) { return s.launch(s.launcher)(watch) }

// launch runs a launcher, which hands over to a script that does nothing.
func (s *site) launch(launcher string) runner {
	return func(watch bool) (usage, error) {
		config := filepath.Join(s.dir, "config.conf")
		text := fmt.Sprintf("REPO_URL=%s\nCOMMIT_SHA=%s\nWORK_DIR=%s\n%s", s.url, s.head, filepath.Join(s.work, "work"), s.lines)
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			return usage{}, err
		}
		return timed(watch, s.dir, `exec "$1" --platform nontee --log-level error "$2"`, launcher, config)
	}
}

// coldBy launches another launcher into a new folder.
func (s *site) coldBy(launcher string) runner {
	run := s.launch(launcher)
	return func(watch bool) (usage, error) {
		s.fresh("other", &s.work)
		return run(watch)
	}
}
