package entryscript

import (
	"bytes"
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

//go:embed programs.txt
var programList string

// Programs returns the names of the programs in the launcher's image, sorted.
func Programs() []string {
	_, names, _ := strings.Cut(programList, "\n") // the first line says what it is
	return strings.Fields(names)
}

// builtins are bash's own, and what the parser leaves among the words of a call.
var builtins = strings.Fields(`. : [ alias bg bind break builtin caller cd command compgen complete compopt continue
	declare dirs disown echo enable eval exec exit export false fc fg getopts hash help history jobs kill let local
	logout mapfile popd printf pushd pwd read readarray readonly return set shift shopt source suspend test times trap
	true type typeset ulimit umask unalias unset wait`)

// wrappers run the program that their arguments name.
var wrappers = []string{"exec", "command", "env", "nohup", "setsid", "nice"}

// unsure are commands after which nobody can say which programs there are: they install
// some, or read functions and paths from elsewhere.
var unsure = []string{"apt", "apt-get", "dpkg", ".", "source", "eval", "hash", "alias", "enable"}

// calls is what a script calls by a name that is written out in it.
type calls struct {
	called  []string // in their order
	local   []string // functions, and what the script asks for before it calls it
	unsure  bool
	changes bool // the directory
}

// Calls returns remarks on what a script calls: programs that the launcher's image
// lacks, and files of the repository that can't be executed. executable reports of a
// path, relative to where the script runs, whether there is such a file and whether it
// may be executed. There are none for a script that bash can't read: [Look] reports
// that.
func Calls(script []byte, executable func(name string) (is, may bool)) []string {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(bytes.NewReader(script), "")
	if err != nil {
		return nil
	}
	var c calls
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl:
			c.local = append(c.local, n.Name.Value)
		case *syntax.DeclClause:
			c.assigns(n.Args)
		case *syntax.CallExpr:
			c.assigns(n.Assigns)
			c.call(n)
		}
		return true
	})
	return c.remarks(executable)
}

// assigns notes whether PATH is changed, so that programs are looked for elsewhere.
func (c *calls) assigns(to []*syntax.Assign) {
	for _, a := range to {
		c.unsure = c.unsure || a.Name != nil && a.Name.Value == "PATH"
	}
}

// call notes one call.
func (c *calls) call(n *syntax.CallExpr) {
	var words []string
	for _, w := range n.Args {
		words = append(words, w.Lit()) // empty for what is not written out
	}
	if len(words) == 0 {
		return
	}
	name := words[0]
	switch {
	case slices.Contains(unsure, name):
		c.unsure = true
	case name == "cd", name == "pushd":
		c.changes = true
	case name == "which", name == "type", name == "command" && len(words) > 1 && (words[1] == "-v" || words[1] == "-V"):
		c.local = append(c.local, words[1:]...)
		return
	}
	c.called = append(c.called, name)
	for _, w := range words[1:] {
		if !slices.Contains(wrappers, name) || strings.HasPrefix(w, "-") { // an option has an argument, perhaps
			return
		}
		if !strings.Contains(w, "=") {
			c.called = append(c.called, w)
			name = w
		}
	}
}

// remarks returns what is missing.
func (c *calls) remarks(executable func(name string) (is, may bool)) []string {
	var found, lacks []string
	for _, name := range c.called {
		switch dir, base := path.Split(name); {
		case name == "" || slices.Contains(c.local, name) || slices.Contains(builtins, name):
		case dir == "", dir == "/bin/", dir == "/usr/bin/", dir == "/sbin/", dir == "/usr/sbin/":
			if _, there := slices.BinarySearch(Programs(), base); !there && !slices.Contains(lacks, name) {
				lacks = append(lacks, name)
			}
		case !path.IsAbs(name) && !c.changes:
			if is, may := executable(name); is && !may {
				found = append(found, fmt.Sprintf("calls %.60q, which is not executable in the repository (git update-index --chmod=+x)", name))
			}
		}
	}
	if len(lacks) > 0 && !c.unsure {
		found = append(found, fmt.Sprintf("calls %.200q, not in the git-launcher image; have a derived image or the repository bring it", lacks))
	}
	slices.Sort(found)
	return slices.Compact(found)
}
