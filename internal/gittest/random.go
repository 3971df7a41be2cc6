package gittest

import (
	"bytes"
	"fmt"
	"math/rand"
	"slices"
	"strconv"
	"strings"
)

// Random makes a repository from a seed: directories, modes, symbolic links, submodules
// and odd names; contents that are empty, shared, alike, random and, now and then,
// large; some commits of history with merges; packed with deltas, without, or not at
// all. It is the same for the same seed and version of git. digits is how many its ids
// have: 40 or 64.
func Random(dir string, seed int64, digits int) (*Repo, string, error) {
	var options []string
	if digits == 64 {
		options = []string{SHA256}
	}
	r, err := NewRepo(dir, options...)
	if err != nil {
		return nil, "", err
	}
	g := &generator{rnd: rand.New(rand.NewSource(seed)), tree: make(map[string]File), digits: digits}
	for n := 2 + g.rnd.Intn(60); n > 0; n-- {
		g.add()
	}
	commits := 1 + g.rnd.Intn(8)
	for i := 1; i <= commits; i++ {
		g.commit(i)
		for n := g.rnd.Intn(8); n > 0; n-- {
			g.change()
		}
	}
	if _, err := Git(dir, g.script.Bytes(), "fast-import", "--quiet"); err != nil {
		return nil, "", err
	}
	if err := g.pack(dir); err != nil {
		return nil, "", err
	}
	head, err := Git(dir, nil, "rev-parse", "refs/heads/main")
	return r, head, err
}

type generator struct {
	rnd      *rand.Rand
	tree     map[string]File
	contents []string
	script   bytes.Buffer
	digits   int
}

// pack stores the objects in one of Git's ways.
func (g *generator) pack(dir string) error {
	var args []string
	switch g.rnd.Intn(4) {
	case 0: // as fast-import left them: loose, or one pack of poor deltas
		return nil
	case 1:
		args = []string{"-c", "pack.compression=0", "repack", "-qadf", "--depth=0"}
	case 2:
		args = []string{"repack", "-qadf", "--depth=50", "--window=50"}
	default:
		args = []string{"-c", "pack.compression=9", "repack", "-qadf"}
	}
	_, err := Git(dir, nil, args...)
	return err
}

var oddNames = []string{
	"a", "a.b", "a-b", "a b", "A", "ä", "\xff\xfe", "e\u0301", "\u202eevil", "tab\t", "new\nline", `quo"te`, `back\slash`, "-rf", "--", "~", "git", "..a", "a..b", "...", ".gitfoo",
	"nul", "con.txt", "%2e%2e", "$(id)", "*", "?", "[x]", "#", "!", "HEAD", "index.lock", ".gitignore", "x.lock", strings.Repeat("long", 63),
}

func (g *generator) name() string {
	if g.rnd.Intn(3) == 0 {
		return oddNames[g.rnd.Intn(len(oddNames))]
	}
	return "f" + strconv.Itoa(g.rnd.Intn(200))
}

// add adds a file under a name that is free.
func (g *generator) add() {
	parts := make([]string, 0, 6)
	for n := g.rnd.Intn(5); n > 0; n-- {
		parts = append(parts, "d"+strconv.Itoa(g.rnd.Intn(3)))
	}
	path := strings.Join(append(parts, g.name()), "/")
	for p := range g.tree {
		if p == path || strings.HasPrefix(p, path+"/") || strings.HasPrefix(path, p+"/") {
			return
		}
	}
	f := File{Path: path, Mode: "100644", Content: g.content()}
	switch g.rnd.Intn(12) {
	case 0, 1:
		f.Mode = "100755"
	case 2:
		f.Mode, f.Content = "120000", []string{"f1", "../up", "/nowhere", ".", "d0/d1", strings.Repeat("x/", 500) + "y"}[g.rnd.Intn(6)]
	case 3:
		f.Mode, f.Content = "160000", fmt.Sprintf("%0*x", g.digits, g.rnd.Int63()+1)
	}
	g.tree[path] = f
}

// change edits, replaces or removes a file, or adds one.
func (g *generator) change() {
	paths := g.paths()
	path := paths[g.rnd.Intn(len(paths))]
	f := g.tree[path]
	switch {
	case g.rnd.Intn(3) == 0:
		g.add()
	case g.rnd.Intn(4) == 0 && len(paths) > 1:
		delete(g.tree, path)
	case f.Mode == "120000" || f.Mode == "160000":
	default:
		f.Content = g.edit(f.Content)
		g.tree[path] = f
	}
}

func (g *generator) content() string {
	c := g.fresh()
	if len(g.contents) > 0 {
		old := g.contents[g.rnd.Intn(len(g.contents))]
		switch g.rnd.Intn(4) {
		case 0:
			c = old
		case 1:
			c = g.edit(old)
		}
	}
	g.contents = append(g.contents, c)
	return c
}

func (g *generator) fresh() string {
	switch g.rnd.Intn(40) {
	case 0, 1:
		return ""
	case 2, 3, 4, 5: // incompressible
		b := make([]byte, g.rnd.Intn(200_000))
		g.rnd.Read(b)
		return string(b)
	case 6: // around the sizes at which blobs are treated in another way
		return strings.Repeat("z", []int{65534, 65535, 65536, 131070, 4<<20 - 1, 4 << 20, 4<<20 + 1}[g.rnd.Intn(7)])
	case 7:
		return "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
	case 8:
		return "a\r\nb\r\n$Id$\n"
	}
	var b strings.Builder
	for n := g.rnd.Intn(400); n > 0; n-- {
		fmt.Fprintf(&b, "line %x\n", g.rnd.Intn(1<<12))
	}
	return b.String()
}

// edit changes a little, so that a delta is worth it.
func (g *generator) edit(s string) string {
	at := g.rnd.Intn(len(s) + 1)
	return s[:at] + fmt.Sprintf("edit %x\n", g.rnd.Intn(1<<12)) + s[at:]
}

func (g *generator) paths() []string {
	paths := make([]string, 0, len(g.tree))
	for p := range g.tree {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

// commit appends the tree as it is now to the script for fast-import.
func (g *generator) commit(n int) {
	const who = "Author <author@example.org> 1704164645 +0000"
	w := &g.script
	fmt.Fprintf(w, "commit refs/heads/main\nmark :%d\nauthor %s\ncommitter %s\ndata 2\nc\n\n", n, who, who)
	if n > 1 {
		fmt.Fprintf(w, "from :%d\n", n-1)
	}
	if n > 3 && g.rnd.Intn(3) == 0 {
		fmt.Fprintf(w, "merge :%d\n", 1+g.rnd.Intn(n-2))
	}
	w.WriteString("deleteall\n")
	for _, p := range g.paths() {
		writeFile(w, g.tree[p])
	}
}
