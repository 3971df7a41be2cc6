package main

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"

	"gitlauncher/internal/gittest"
	"gitlauncher/internal/gittest/habit"
	"gitlauncher/internal/lfstest"
)

// mixture is a repository with more than its own tree: submodules, or Git LFS files.
type mixture struct {
	name  string
	files int // of each submodule, or of Git LFS
	size  int // bytes of each
	lines string
	build func(m mixture, s *site) (head string, err error)
	// What git does: a first clone, the same again, and the same made to look at every byte.
	clone, refresh, prove string
}

func (m mixture) String() string { return m.name }

const (
	gitSubmodules = `git clone -q --depth 1 --recurse-submodules --shallow-submodules "$2" "$1" && cd "$1" && git checkout -qf "$3"`
	gitUpdate     = ` && git checkout -qf "$1" && git submodule -q update --init --recursive --force && git submodule -q foreach --recursive 'git reset -q --hard && git clean -qffdx' && git reset -q --hard "$1" && git clean -qffdx`
	gitLFS        = `export HOME="$PWD" && git clone -q --depth 1 "$2" "$1" && cd "$1" && git lfs install --local >/dev/null && git lfs pull`
	gitPull       = ` && git checkout -qf "$1" && git reset -q --hard "$1" && git clean -qffdx && git lfs pull`
)

// mixtures are what -formats measures.
var mixtures = []mixture{
	{name: "10 submodules of 500 files, 40 MB", files: 500, size: 8000, lines: "SUBMODULES=recursive\n", build: mixture.submodules,
		clone: gitSubmodules, refresh: `git fetch -q origin` + gitUpdate,
		prove: `git fetch -q origin && git fsck --no-progress && git submodule -q foreach --recursive 'git fsck --no-progress && rm -f "$(git rev-parse --git-path index)"' && rm -f .git/index` + strings.Replace(gitUpdate, "checkout -qf", "reset -q --hard", 1)},
	{name: "Git LFS, 200 files of 100 kB", files: 200, size: 100_000, lines: "LFS=fetch\n", build: mixture.contents,
		clone: gitLFS, refresh: `export HOME="$PWD" && git fetch -q origin` + gitPull,
		prove: `export HOME="$PWD" && git fetch -q origin && git fsck --no-progress && git lfs fsck >/dev/null && rm -f .git/index` + strings.Replace(gitPull, "checkout -qf", "reset -q --hard", 1)},
	{name: "Git LFS, one file of 512 MB", files: 1, size: 512 << 20, lines: "LFS=fetch\n", build: mixture.contents,
		clone: gitLFS, refresh: `export HOME="$PWD" && git fetch -q origin` + gitPull,
		prove: `export HOME="$PWD" && git fetch -q origin && git fsck --no-progress && git lfs fsck >/dev/null && rm -f .git/index` + strings.Replace(gitPull, "checkout -qf", "reset -q --hard", 1)},
}

// submodules makes ten repositories, and one that has them.
func (m mixture) submodules(s *site) (head string, err error) {
	var modules string
	var links []gittest.File
	for i := range 10 {
		name := fmt.Sprint("m", i)
		commit, err := load{files: m.files, size: m.size}.build(filepath.Join(s.dir, "srv", name+".git"))
		if err != nil {
			return "", err
		}
		modules += fmt.Sprintf("[submodule %q]\n\tpath = %[1]s\n\turl = ../%[1]s.git\n", name)
		links = append(links, gittest.File{Path: name, Mode: "160000", Content: commit})
	}
	return s.commit(append(links, gittest.File{Path: ".gitmodules", Content: modules}))
}

// contents makes a repository of Git LFS pointers, and puts their contents on the
// server.
func (m mixture) contents(s *site) (head string, err error) {
	server := &lfstest.Server{Dir: filepath.Join(s.dir, "lfs")}
	if err := os.Mkdir(server.Dir, 0o755); err != nil {
		return "", err
	}
	s.habits = []habit.Habit{server.Habit}
	files := []gittest.File{{Path: ".gitattributes", Content: "*.bin filter=lfs diff=lfs merge=lfs -text\n"}}
	random, content := rand.New(rand.NewSource(1)), make([]byte, m.size)
	for i := range m.files {
		random.Read(content)
		oid, err := server.Put(content)
		if err != nil {
			return "", err
		}
		pointer := fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, m.size)
		files = append(files, gittest.File{Path: fmt.Sprintf("d%d/f%d.bin", i%10, i), Content: pointer})
	}
	return s.commit(files)
}

// commit makes the repository of a site.
func (s *site) commit(files []gittest.File) (head string, err error) {
	repo, err := gittest.NewRepo(filepath.Join(s.dir, "srv", "r.git"))
	if err != nil {
		return "", err
	}
	return repo.Commit("main", "c", append(files, gittest.File{Path: "entrypoint.sh", Content: "exit 0\n"})...)
}

// formats measures the mixtures, against git or against an earlier build.
func (b *bench) formats() error {
	for _, m := range mixtures {
		if !strings.Contains(m.name, b.only) {
			continue
		}
		b.progress("%v: making the repositories", m)
		at, err := emptySite(b.tmp, b.launcher)
		if err != nil {
			return err
		}
		if err = b.mixture(m, at); err != nil {
			err = fmt.Errorf("%v: %w", m, err)
		}
		at.close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) mixture(m mixture, at *site) (err error) {
	if at.head, err = m.build(m, at); err != nil {
		return err
	}
	at.lines = m.lines
	if err := at.serve(false); err != nil {
		return err
	}
	if b.before != "" {
		return b.againstBefore(at, m, b.runs)
	}
	clone := func(watch bool) (usage, error) {
		return timed(watch, at.dir, m.clone, at.fresh("git", &at.clone), at.url, at.head)
	}
	again := func(script string) runner {
		return func(watch bool) (usage, error) { return timed(watch, at.clone, script, at.head) }
	}
	if err := b.row(m, "cold, against a clone", b.runs, 0, clone, at.cold); err != nil {
		return err
	}
	if err := b.row(m, "restart, against fetching and resetting that clone", b.runs, 0, again(m.refresh), at.restart); err != nil {
		return err
	}
	return b.row(m, "restart, against the same with fsck and no index", b.runs, 0, again(m.prove), at.restart)
}
