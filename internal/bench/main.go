// Command bench measures git-launcher against git itself, in turn in one run, with
// repositories that are the same everywhere and served over loopback:
//
//   - cold against `git fetch --depth 1` and checkout, and against what a shell
//     launcher does (clone, checkout, reset, clean); live, so that both figures include
//     the server's work on the same processors, and canned, so that neither does;
//   - a restart against fetch, checkout, reset and clean on the existing clone, and
//     against a git that is made to look at every byte, as we do;
//   - the floor: `tar x` of the same files, and the server alone;
//   - what content_sha256 costs, and how time and memory grow;
//   - with -formats submodules and Git LFS, against git with both.
//
// With -before it measures another build of git-launcher in turn with this one, instead
// of git.
//
// It prints Markdown tables of medians and peak memory, and its progress on stderr.
// The targets are goals; nothing fails for missing them.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gitlauncher/internal/gittest"
)

func main() {
	b := &bench{}
	flag.StringVar(&b.launcher, "launcher", "bin/git-launcher", "the program to measure")
	flag.StringVar(&b.before, "before", "", "an earlier build of the program, to measure instead of git")
	flag.BoolVar(&b.quick, "quick", false, "the small repositories only")
	flag.IntVar(&b.runs, "runs", 5, "runs of each; large ones have fewer")
	flag.StringVar(&b.tmp, "tmp", "/dev/shm", "where to work; a file system in memory gives steady figures")
	flag.StringVar(&b.disk, "disk", "/var/tmp", "a directory on a disk, for one row; empty for none")
	formats := flag.Bool("formats", false, "repositories with submodules and with Git LFS instead")
	flag.StringVar(&b.only, "only", "", "repositories with this in their name, such as \"one file\"")
	inner := flag.Bool("timed", false, "time the command that follows; bench calls itself so, to be small when it does")
	watch := flag.Bool("watch", false, "with -timed: watch the memory of all processes")
	flag.Parse()
	if *inner {
		os.Exit(timedHere(*watch, flag.Args()))
	}
	if err := b.run(*formats); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type bench struct {
	launcher, before, tmp, disk, only string
	quick                             bool
	runs                              int
	began                             time.Time
}

// runner runs one side once. With watch, its memory counts and its time does not.
type runner func(watch bool) (usage, error)

func (b *bench) run(formats bool) (err error) {
	b.began = time.Now()
	if b.launcher, err = filepath.Abs(b.launcher); err != nil {
		return err
	}
	fmt.Printf("%s, git %s, %s\n\n", b.began.UTC().Format("2006-01-02 15:04 MST"), gitVersion(), machine())
	if b.before != "" {
		return b.builds(formats)
	}
	fmt.Println("| repository | case | theirs | ours | ratio | wanted | their memory | our memory |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	if formats {
		return b.formats()
	}
	steps := b.loads()
	steps[0].parts = []part{b.cold, b.clone, b.restart, b.floor}
	steps[1].parts = []part{b.cold, b.clone, b.restart, b.floor, b.canned, b.record}
	if !b.quick {
		steps[2].parts = []part{b.cold, b.clone, b.restart, b.floor, b.canned}
		steps[3].parts = []part{b.cold, b.restart, b.floor}
		steps[4].parts = []part{b.cold, b.floor, b.canned}
		if b.disk != "" {
			steps = append(steps, step{steps[1].load, b.disk, b.runs, []part{b.canned}})
		}
	}
	if err := b.takeAll(steps); err != nil {
		return err
	}
	err = b.growth()
	b.progress("done")
	return err
}

// step is what is measured with one repository. A part is some of its rows.
type step struct {
	load
	tmp   string
	runs  int
	parts []part
}

type part func(*site, step) error

// loads returns the repositories, without parts yet.
func (b *bench) loads() []step {
	steps := []step{
		{load: load{files: 5, size: 2000}, tmp: b.tmp, runs: b.runs},
		{load: load{files: 2000, size: 8000, history: 1500}, tmp: b.tmp, runs: b.runs},
	}
	if b.quick {
		return steps
	}
	return append(steps,
		step{load: load{files: 5000, size: 10_000, history: 1000}, tmp: b.tmp, runs: b.runs},
		step{load: load{files: 60_000, size: 16_500}, tmp: b.tmp, runs: 3},
		step{load: load{files: 1, size: 1 << 30, noise: true}, tmp: b.tmp, runs: 3},
	)
}

func (b *bench) takeAll(steps []step) error {
	for _, s := range steps {
		if !strings.Contains(s.load.String(), b.only) {
			continue
		}
		if err := b.take(s); err != nil {
			return fmt.Errorf("%v: %w", s.load, err)
		}
	}
	return nil
}

func (b *bench) take(s step) error {
	return b.on(s.load, s.tmp, false, func(at *site) error {
		at.keep = s.tmp == b.disk
		for _, p := range s.parts {
			if err := p(at, s); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench %4.0f s: %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// row runs two sides in turn and prints a line of the table. wanted is the ratio to
// reach; 0 means none.
func (b *bench) row(l fmt.Stringer, name string, runs int, wanted float64, theirs, ours runner) error {
	t, o, err := b.pair(l, name, runs, theirs, ours)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	goal := ""
	if wanted > 0 {
		goal = fmt.Sprintf("%.2f", wanted)
	}
	fmt.Printf("| %v | %s | %.3f s | %.3f s | %.2f | %s | %d MB | %d MB |\n", l, name, t.seconds, o.seconds, o.seconds/t.seconds, goal, t.memory>>20, o.memory>>20)
	return nil
}

// pair runs two sides in turn: first to watch their memory, then to time them.
func (b *bench) pair(l fmt.Stringer, name string, runs int, theirs, ours runner) (t, o usage, err error) {
	b.progress("%v: %s", l, name)
	var ts, os []usage
	for i := range runs + 1 {
		a, err := theirs(i == 0)
		if err != nil {
			return t, o, err
		}
		c, err := ours(i == 0)
		if err != nil {
			return t, o, err
		}
		if i == 0 {
			t, o = a, c
		} else {
			ts, os = append(ts, a), append(os, c)
		}
	}
	return median(t, ts), median(o, os), nil
}

// on calls do with a site for a load.
func (b *bench) on(l load, tmp string, canned bool, do func(*site) error) error {
	b.progress("%v: making the repository", l)
	s, err := newSite(tmp, b.launcher, l, canned)
	if err != nil {
		return err
	}
	defer s.close()
	return do(s)
}

const atDepthOne = "cold, against fetch --depth 1 and checkout"

// cold and clone have a server at work on the same processors.
func (b *bench) cold(at *site, s step) error {
	wanted := 0.70
	switch s.files {
	case 5:
		wanted = 0.45
	case 60_000:
		wanted = 0.55
	}
	return b.row(s.load, atDepthOne, s.runs, wanted, at.gitShallow, at.cold)
}

func (b *bench) clone(at *site, s step) error {
	wanted := 0.30
	if s.history == 0 {
		wanted = 0 // there is no history to leave out
	}
	return b.row(s.load, "cold, against clone, checkout, reset, clean", s.runs, wanted, at.gitClone, at.cold)
}

// restart uses the checkout that the row before left.
func (b *bench) restart(at *site, s step) error {
	wanted := 0.08
	if s.files < 1000 {
		wanted = 0 // that is the time that programs take to start
	}
	if err := b.row(s.load, "restart, against fetch, checkout, reset, clean", s.runs, wanted, at.gitRefresh, at.restart); err != nil {
		return err
	}
	return b.row(s.load, "restart, against the same with fsck and no index", s.runs, wanted, at.gitProve, at.restart)
}

// floor measures a time that no checkout of the same files can beat.
func (b *bench) floor(at *site, s step) error {
	if err := archive(filepath.Join(at.work, "work"), filepath.Join(at.dir, "tree.tar")); err != nil {
		return err
	}
	t, o, err := b.pair(s.load, "floor", s.runs, at.tar, at.alone)
	if err != nil {
		return err
	}
	fmt.Printf("| %v | floor: `tar x` of the files; the server alone | %.3f s | %.3f s | | | %d MB | |\n", s.load, t.seconds, o.seconds, t.memory>>20)
	return nil
}

// canned measures with a server that replays its first answer.
func (b *bench) canned(at *site, s step) error {
	if err := at.serve(true); err != nil {
		return err
	}
	name := "canned: " + atDepthOne
	if at.keep {
		name = "on a disk, " + name
	}
	wanted := 0.50
	if s.files == 1 {
		wanted = 0.15
	}
	return b.row(s.load, name, s.runs, wanted, at.gitShallow, at.cold)
}

// record compares with our own launch without content_sha256.
func (b *bench) record(at *site, s step) error {
	without := filepath.Join(at.dir, "without")
	build := exec.Command("go", "build", "-trimpath", "-tags", "withoutsum", "-o", without, "./cmd/git-launcher")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building: %w: %s", err, out)
	}
	if err := b.row(s.load, "canned: cold, against our own launch without content_sha256", 2*s.runs, 1.10, at.coldBy(without), at.cold); err != nil {
		return err
	}
	return b.row(s.load, "restart, against our own without content_sha256", 2*s.runs, 1.10, at.launch(without), at.restart)
}

// growth prints how time and memory grow with files and with bytes.
func (b *bench) growth() error {
	fmt.Println("\n| canned, cold and restart | git, cold | ours, cold | a file or MB | our restart | git's memory | our memory |")
	fmt.Println("|---|---|---|---|---|---|---|")
	loads := []load{{files: 10, size: 4000}, {files: 100, size: 4000}, {files: 1000, size: 4000}}
	bySize := []load{{files: 100, size: 10_486}, {files: 100, size: 104_858}}
	if !b.quick {
		loads = append(loads, load{files: 10_000, size: 4000}, load{files: 60_000, size: 4000})
		bySize = append(bySize, load{files: 100, size: 1 << 20}, load{files: 100, size: 10_737_419})
	}
	for i, l := range append(loads, bySize...) {
		if !strings.Contains(l.String(), b.only) {
			continue
		}
		each, unit := l.files, "file"
		if i >= len(loads) {
			each, unit = l.files*l.size>>20, "MB"
		}
		err := b.on(l, b.tmp, true, func(s *site) error {
			t, o, err := b.pair(l, "growth", 3, s.gitShallow, s.cold)
			if err != nil {
				return err
			}
			_, r, err := b.pair(l, "growth, restart", 3, func(bool) (usage, error) { return usage{}, nil }, s.restart)
			if err != nil {
				return err
			}
			fmt.Printf("| %v | %.3f s | %.3f s | %.3f ms a %s | %.3f s | %d MB | %d MB |\n", l, t.seconds, o.seconds, 1000*o.seconds/float64(max(each, 1)), unit, r.seconds, t.memory>>20, max(o.memory, r.memory)>>20)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func gitVersion() string {
	v, err := gittest.Git(".", nil, "version")
	if err != nil {
		return "unknown"
	}
	return v[len("git version "):]
}
