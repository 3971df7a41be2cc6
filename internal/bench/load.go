package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"strings"

	"gitlauncher/internal/gittest"
)

// load describes a repository to measure with. The same load makes the same repository
// on every machine.
type load struct {
	files   int
	size    int  // bytes of one file
	history int  // commits below the pinned one, each of which changes four files
	noise   bool // contents that can't be compressed
}

func (l load) String() string {
	s := fmt.Sprintf("%s files", thousands(l.files))
	if l.files == 1 {
		s = "one file"
	}
	if total := l.files * l.size >> 20; total > 0 {
		s += fmt.Sprintf(", %s MB", thousands(total))
	}
	if l.history > 0 {
		s += fmt.Sprintf(", %s commits", thousands(l.history+1))
	}
	return s
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// text writes lines that compress about as well as source code does.
type text struct {
	rnd   *rand.Rand
	often *rand.Zipf
	words []string
}

func newText() *text {
	rnd := rand.New(rand.NewSource(1))
	t := &text{rnd: rnd, often: rand.NewZipf(rnd, 1.2, 4, 9999)}
	for range 10000 {
		var b strings.Builder
		for range 1 + rnd.Intn(4) {
			b.WriteByte("bcdfghklmnprstvw"[rnd.Intn(16)])
			b.WriteByte("aeiouy"[rnd.Intn(6)])
		}
		t.words = append(t.words, b.String())
	}
	return t
}

func (t *text) fill(b *bytes.Buffer, size int) {
	for b.Len() < size {
		b.WriteString(strings.Repeat("\t", t.rnd.Intn(4)))
		for range 1 + t.rnd.Intn(9) {
			b.WriteString(t.words[t.often.Uint64()])
			b.WriteString([]string{" ", " ", "(", ".", ", "}[t.rnd.Intn(5)])
		}
		b.WriteString([]string{"\n", ")\n", " {\n", "\n\n"}[t.rnd.Intn(4)])
	}
	b.Truncate(size)
}

func (l load) path(i int) string { return fmt.Sprintf("d%02d/e%02d/f%d.txt", i%40, i/40%25, i) }

// build makes the repository by one stream for git fast-import, and then by git's own
// packing.
func (l load) build(dir string) (head string, err error) {
	repo, err := gittest.NewRepo(dir)
	if err != nil {
		return "", err
	}
	// Even few objects go into a pack, as on servers: loose ones would be deflated anew
	// for every fetch. git's own packing makes the deltas.
	cmd := exec.Command("git", "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--force", "--depth=0")
	cmd.Dir, cmd.Env, cmd.Stderr = dir, gittest.Env(), os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(stdin, 1<<20)
	l.stream(w)
	if err := w.Flush(); err != nil {
		return "", err
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		return "", err
	}
	if l.history > 0 {
		if _, err := gittest.Git(dir, nil, "repack", "-qad", "--depth=20", "--window=5"); err != nil {
			return "", err
		}
	}
	return gittest.Git(repo.Dir, nil, "rev-parse", "refs/heads/main")
}

func (l load) stream(w io.Writer) {
	t := newText()
	var b bytes.Buffer
	content := func() []byte {
		b.Reset()
		if l.noise {
			io.CopyN(&b, t.rnd, int64(l.size))
		}
		t.fill(&b, l.size)
		return b.Bytes()
	}
	put := func(path string, content []byte) {
		fmt.Fprintf(w, "M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
	}
	for c := range l.history + 1 {
		const who = "Author <author@example.org> 1704164645 +0000"
		fmt.Fprintf(w, "commit refs/heads/main\nauthor %s\ncommitter %s\ndata 2\nc\n\n", who, who)
		if c > 0 {
			for range 4 {
				put(l.path(t.rnd.Intn(l.files)), content())
			}
			continue
		}
		put("entrypoint.sh", []byte("exit 0\n"))
		for i := range l.files {
			put(l.path(i), content())
		}
	}
}

// archive packs a checkout's files for tar, whose time is the floor of what any
// checkout costs.
func archive(checkout, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := tar.NewWriter(f)
	tree := os.DirFS(checkout)
	if err := os.RemoveAll(checkout + "/.git"); err != nil {
		return err
	}
	if err := w.AddFS(tree); err != nil {
		return err
	}
	return w.Close()
}
