// Command bench measures git-launcher against git itself, in the same run and in
// turn: a cold launch against `git fetch --depth 1` and checkout, and against what
// a shell launcher does (clone, checkout, reset, clean); a restart against fetch,
// checkout, reset and clean on the existing clone. Repositories are made the same every time and
// served over loopback. It prints a Markdown table of medians and peak memory; the
// targets are goals, and nothing fails for missing them.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"gitlauncher/internal/gittest"
)

// load is a repository to measure with.
type load struct {
	name    string
	files   int
	size    int // bytes of one file
	commits int // before the pinned one
	random  bool
	canned  bool // replay the server's first answer instead of running git
	quick   bool
}

var loads = []load{
	{"5 files, 1 commit", 5, 2000, 1, false, false, true},
	{"2,000 files, 200 commits", 2000, 8000, 200, false, false, true},
	{"2,000 files, 200 commits, canned", 2000, 8000, 200, false, true, true},
	{"20,000 files, 320 MB, canned", 20000, 16000, 1, false, true, false},
	{"one file of 1 GB, canned", 1, 1 << 30, 1, true, true, false},
}

func main() {
	launcher := flag.String("launcher", "bin/git-launcher", "the program to measure")
	quick := flag.Bool("quick", false, "the small repositories only")
	runs := flag.Int("runs", 5, "runs of each")
	tmp := flag.String("tmp", "/dev/shm", "where to work; a file system in memory gives steady figures")
	inner := flag.Bool("timed", false, "time the command that follows; bench calls itself so, to be small when it does")
	flag.Parse()
	if *inner {
		os.Exit(timedHere(flag.Args()))
	}
	if err := run(*launcher, *tmp, *quick, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(launcher, tmp string, quick bool, runs int) error {
	launcher, err := filepath.Abs(launcher)
	if err != nil {
		return err
	}
	fmt.Println("| repository | case | theirs | ours | ratio | their memory | our memory |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, l := range loads {
		if quick && !l.quick {
			continue
		}
		dir, err := os.MkdirTemp(tmp, "bench-")
		if err != nil {
			return err
		}
		err = measure(launcher, dir, l, runs)
		os.RemoveAll(dir)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return nil
}

func measure(launcher, dir string, l load, runs int) error {
	head, err := l.build(filepath.Join(dir, "srv", "r.git"))
	if err != nil {
		return err
	}
	server := &gittest.Server{Root: filepath.Join(dir, "srv"), Canned: l.canned}
	url, stop, err := server.Start("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer stop()
	url += "/r.git"
	b := &bench{dir: dir, launcher: launcher, url: url, head: head}
	cases := []struct {
		name         string
		theirs, ours func() (usage, error)
	}{
		{"cold, against fetch --depth 1 and checkout", b.gitShallow, b.cold},
		{"cold, against clone, checkout, reset, clean", b.gitClone, b.cold},
		{"restart, against fetch, checkout, reset, clean", b.gitRefresh, b.warm},
	}
	for _, c := range cases {
		if l.canned && c.name != cases[0].name {
			continue // only this one asks the same of the server every time
		}
		var theirs, ours []usage
		for i := range runs + 1 { // the first is to warm up
			a, err := c.theirs()
			if err != nil {
				return err
			}
			o, err := c.ours()
			if err != nil {
				return err
			}
			if i > 0 {
				theirs, ours = append(theirs, a), append(ours, o)
			}
		}
		t, o := median(theirs), median(ours)
		fmt.Printf("| %s | %s | %.3f s | %.3f s | %.2f | %d MB | %d MB |\n",
			l.name, c.name, t.seconds, o.seconds, o.seconds/t.seconds, t.memory>>20, o.memory>>20)
	}
	return nil
}

// build makes the repository.
func (l load) build(dir string) (head string, err error) {
	repo, err := gittest.NewRepo(dir)
	if err != nil {
		return "", err
	}
	rnd := rand.New(rand.NewSource(1))
	words := make([]string, 4000)
	for i := range words {
		words[i] = fmt.Sprintf("%x", rnd.Int63n(1<<(8+i%40)))
	}
	files := []gittest.File{{Path: "entrypoint.sh", Content: "exit 0\n"}}
	for i := range l.files {
		var b bytes.Buffer
		if l.random {
			buf := make([]byte, l.size)
			rnd.Read(buf)
			b.Write(buf)
		}
		for b.Len() < l.size {
			b.WriteString(words[rnd.Intn(len(words))] + " ")
		}
		files = append(files, gittest.File{Path: fmt.Sprintf("d%02d/e%02d/f%d.txt", i%40, i/40%25, i), Content: b.String()})
	}
	for i := range l.commits {
		n := 1 + i%max(1, len(files)-1)
		if i > 0 {
			files[n].Content = fmt.Sprintf("revision %d\n%s", i, files[n].Content)
			files[n].Content = files[n].Content[:min(len(files[n].Content), l.size)]
		}
		if i == 0 || i == l.commits-1 || i%max(1, l.commits/20) == 0 { // every file is written again, so a sample of them
			if head, err = repo.Commit("main", fmt.Sprint("commit ", i), files...); err != nil {
				return "", err
			}
		}
	}
	if !l.random {
		_, err = gittest.Git(dir, nil, "repack", "-qad")
	}
	return head, err
}

// usage is what a run took.
type usage struct {
	seconds float64
	memory  int64 // bytes, of the largest process
}

func median(u []usage) usage {
	s, m := make([]float64, len(u)), make([]int64, len(u))
	for i := range u {
		s[i], m[i] = u[i].seconds, u[i].memory
	}
	slices.Sort(s)
	slices.Sort(m)
	return usage{s[len(s)/2], m[len(m)/2]}
}

// bench is one repository being measured with.
type bench struct {
	dir, launcher, url, head string
	clone, work              string // of the last cold run
	n                        int
}

// fresh gives a new folder and removes the one before.
func (b *bench) fresh(kind string, last *string) string {
	os.RemoveAll(*last)
	b.n++
	*last = filepath.Join(b.dir, fmt.Sprintf("%s%d", kind, b.n))
	return *last
}

// timed runs a bash script and gives what it took. A process starts with the peak
// memory of the one that started it, so a small process does it: this program
// again, without repositories and canned answers in memory.
func timed(dir string, script string, args ...string) (usage, error) {
	self, err := os.Executable()
	if err != nil {
		return usage{}, err
	}
	cmd := exec.Command(self, append([]string{"-timed", "bash", "-ec", script, "bench"}, args...)...)
	cmd.Dir, cmd.Env = dir, gittest.Env()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return usage{}, errors.Join(err, errors.New(stderr.String()))
	}
	var u usage
	_, err = fmt.Sscan(string(out), &u.seconds, &u.memory)
	return u, err
}

func timedHere(args []string) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	start := time.Now()
	err := cmd.Run()
	seconds := time.Since(start).Seconds()
	if err != nil {
		return 1
	}
	// Linux gives the largest of the process and the children it waited for.
	fmt.Println(seconds, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss<<10)
	return 0
}

func (b *bench) gitShallow() (usage, error) {
	dir := b.fresh("git", &b.clone)
	return timed(b.dir, `git init -q "$1" && cd "$1" && git remote add origin "$2" && git fetch -q --depth 1 origin "$3" && git checkout -q --detach "$3"`, dir, b.url, b.head)
}

func (b *bench) gitClone() (usage, error) {
	dir := b.fresh("git", &b.clone)
	return timed(b.dir, `git clone -q "$2" "$1" && cd "$1" && git checkout -qf "$3" && git reset -q --hard "$3" && git clean -qffdx`, dir, b.url, b.head)
}

func (b *bench) gitRefresh() (usage, error) {
	return timed(b.clone, `git fetch -q origin && git checkout -qf "$1" && git reset -q --hard "$1" && git clean -qffdx`, b.head)
}

func (b *bench) cold() (usage, error) {
	b.fresh("ours", &b.work)
	return b.warm()
}

func (b *bench) warm() (usage, error) {
	config := filepath.Join(b.dir, "config.conf")
	text := fmt.Sprintf("REPO_URL=%s\nCOMMIT_SHA=%s\nWORK_DIR=%s\n", b.url, b.head, filepath.Join(b.work, "work"))
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return usage{}, err
	}
	return timed(b.dir, `exec "$1" --platform nontee --log-level error "$2"`, b.launcher, config)
}
