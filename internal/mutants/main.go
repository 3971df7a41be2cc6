package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// equivalent lists mutants that are the original in other words. Each line has the
// mutant as its String method returns it, " # ", and why.
//
//go:embed equivalent.txt
var equivalent []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	survivors, err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	if survivors > 0 {
		os.Exit(1)
	}
}

// candidate is a mutant, with what it takes to try it.
type candidate struct {
	mutant
	pkg    *pkg
	source []byte
}

func run(ctx context.Context, args []string, out io.Writer) (survivors int, err error) {
	fs := flag.NewFlagSet("mutants", flag.ContinueOnError)
	seed := fs.Uint64("seed", 1, "the sample that is taken")
	n := fs.Int("n", 100, "how many changes to try; 0 for all")
	kind := fs.String("kind", "", "only changes whose kind holds this")
	file := fs.String("file", "", "only files whose path holds this")
	timeout := fs.Duration("timeout", 3*time.Minute, "longest time for the tests of one package")
	own := fs.Bool("own", false, "run the tests of the changed package alone")
	show := fs.Bool("list", false, "only list the sample")
	if err := fs.Parse(args); err != nil {
		return 0, err
	}
	patterns := fs.Args()
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	all, err := list(ctx, "./...")
	if err != nil {
		return 0, err
	}
	pkgs, err := list(ctx, patterns...)
	if err != nil {
		return 0, err
	}
	candidates, err := collect(pkgs, func(m *mutant) bool { return strings.Contains(m.kind, *kind) && strings.Contains(m.file, *file) })
	if err != nil {
		return 0, err
	}
	sample := choose(candidates, *n, *seed)
	fmt.Fprintf(out, "%d changes are possible, %d are tried, seed %d\n", len(candidates), len(sample), *seed)
	if *show {
		for _, c := range sample {
			fmt.Fprintf(out, "%s:%d: %s: %s\n", c.file, c.line, c.kind, c.was)
		}
		return 0, nil
	}
	dir, err := os.MkdirTemp("", "git-launcher-mutants-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	return try(ctx, &trial{dir: dir, timeout: *timeout, own: *own, all: all, slow: []string{"/testscripts", "/internal/mutants"}}, sample, out)
}

// collect returns the mutants of all packages that are wanted and not equivalent.
func collect(pkgs []pkg, wanted func(*mutant) bool) ([]candidate, error) {
	known := make(map[string]bool)
	for lines := bufio.NewScanner(bytes.NewReader(equivalent)); lines.Scan(); {
		if name, _, ok := strings.Cut(lines.Text(), " # "); ok {
			known[name] = true
		}
	}
	top, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	var candidates []candidate
	for i := range pkgs {
		for _, name := range pkgs[i].GoFiles {
			source, err := os.ReadFile(filepath.Join(pkgs[i].Dir, name))
			if err != nil {
				return nil, err
			}
			short, err := filepath.Rel(top, filepath.Join(pkgs[i].Dir, name))
			if err != nil {
				return nil, err
			}
			found, err := mutants(short, source)
			if err != nil {
				return nil, err
			}
			for _, m := range found {
				if wanted(&m) && !known[m.String()] {
					candidates = append(candidates, candidate{m, &pkgs[i], source})
				}
			}
		}
	}
	return candidates, nil
}

// choose returns a sample that follows from the seed, in the order of the source.
func choose(from []candidate, n int, seed uint64) []candidate {
	if n <= 0 || n >= len(from) {
		return from
	}
	picked := rand.New(rand.NewPCG(seed, 0)).Perm(len(from))[:n]
	slices.Sort(picked)
	sample := make([]candidate, n)
	for i, p := range picked {
		sample[i] = from[p]
	}
	return sample
}

// try runs the sample and prints what survived as it goes, and what took too long, which
// says nothing on a busy machine.
func try(ctx context.Context, t *trial, sample []candidate, out io.Writer) (survivors int, err error) {
	var count [4]int
	for _, c := range sample {
		f, err := t.run(ctx, &c.mutant, c.pkg, c.source)
		if err != nil {
			return 0, err
		}
		count[f]++
		if word, ok := map[fate]string{survived: "survived", endless: "endless"}[f]; ok {
			fmt.Fprintf(out, "%-8s  %s:%d: %s: %s\n", word, c.file, c.line, c.kind, c.was)
		}
	}
	dead := count[killed] + count[endless]
	alive := dead + count[survived]
	fmt.Fprintf(out, "%d of %d killed (%.0f %%), %d of them by the time limit; %d did not compile\n", dead, alive, 100*float64(dead)/float64(max(alive, 1)), count[endless], count[stillborn])
	return count[survived], nil
}
