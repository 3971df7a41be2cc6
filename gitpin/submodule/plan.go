package submodule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
)

// Gitlink is the place of a submodule in a tree, and its commit.
type Gitlink struct {
	Path   string // below the tree, raw bytes
	Commit object.ID
}

// Link is a submodule to fetch.
type Link struct {
	Gitlink
	Name string // of its Git directory below .git/modules
	Repo config.RepoURL
}

// Error is a submodule that can't be fetched as its tree has it, or a .gitmodules that can't
// be read.
type Error struct {
	Path   string // of the gitlink; empty for .gitmodules
	Reason string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return ".gitmodules " + e.Reason
	}
	return fmt.Sprintf("submodule %.200q %s", e.Path, e.Reason)
}

// Plan says where the submodules of a tree come from, in the order of the gitlinks.
// gitmodules is the content of .gitmodules, or nil if the tree has no such file. base is the
// address of the tree's own repository. Submodules with "update = none" are left out, as by
// Git. Errors are [*Error].
func Plan(gitlinks []Gitlink, gitmodules []byte, base config.RepoURL) ([]Link, error) {
	all, err := entries(gitmodules)
	if err != nil {
		return nil, &Error{"", err.Error()}
	}
	byPath := make(map[string][]*entry)
	for _, e := range all {
		for _, p := range e.path {
			if !slices.Contains(byPath[p], e) {
				byPath[p] = append(byPath[p], e)
			}
		}
	}
	var links []Link
	for _, g := range gitlinks {
		link, left, err := plan(g, byPath[g.Path], base)
		if err != nil {
			return nil, &Error{g.Path, err.Error()}
		}
		if !left {
			links = append(links, link)
		}
	}
	return links, apart(links)
}

// LeftOut returns the paths of submodules with "update = none", which a clone leaves out. It
// returns none if .gitmodules can't be read.
func LeftOut(gitmodules []byte) map[string]bool {
	all, err := entries(gitmodules)
	if err != nil {
		return nil
	}
	left := make(map[string]bool)
	for _, e := range all {
		if len(e.path) == 1 && len(e.update) == 1 && e.update[0] == "none" {
			left[e.path[0]] = true
		}
	}
	return left
}

// plan says where one submodule comes from. found are the entries with its path. left says
// that Git leaves the submodule out.
func plan(g Gitlink, found []*entry, base config.RepoURL) (link Link, left bool, err error) {
	switch {
	case !utf8.ValidString(g.Path) || strings.ContainsFunc(g.Path, unicode.IsControl):
		return Link{}, false, errors.New("has a path that is not UTF-8, or has a control character in it; a launch record can't name it")
	case len(found) == 0:
		return Link{}, false, errors.New("has no entry in .gitmodules, so nothing says where its commit is")
	case len(found) > 1:
		return Link{}, false, fmt.Errorf("has more than one entry in .gitmodules: %.200q and %.200q", found[0].name, found[1].name)
	case strings.HasPrefix(g.Path, "-"):
		return Link{}, false, errors.New("has a path that begins with a dash, which a program could take for an option")
	}
	e := found[0]
	for _, value := range []struct {
		key  string
		said []string
	}{{"path", e.path}, {"url", e.url}, {"update", e.update}} {
		if len(value.said) > 1 {
			return Link{}, false, fmt.Errorf("has its %s more than once in .gitmodules, which Git reads in two ways", value.key)
		}
	}
	if reason := unsafeName(e.name); reason != "" {
		return Link{}, false, fmt.Errorf("has a name in .gitmodules that %s", reason)
	}
	if len(e.update) > 0 {
		switch e.update[0] {
		case "none":
			return Link{}, true, nil
		case "checkout", "rebase", "merge":
		default:
			return Link{}, false, errors.New("has an update in .gitmodules that is not checkout, rebase, merge or none; Git runs no command from there either")
		}
	}
	if len(e.url) == 0 {
		return Link{}, false, errors.New("has no url in .gitmodules")
	}
	repo, err := address(base, e.url[0])
	if err != nil {
		return Link{}, false, fmt.Errorf("has an address in .gitmodules that %w", err)
	}
	return Link{Gitlink: g, Name: e.name, Repo: repo}, false, nil
}

// maxName is how many bytes a name may have. A path may have 4,095 on Linux. That leaves room
// for WORK_DIR, for names in a Git directory, and for submodules of submodules.
const maxName = 200

// unsafeName says why a name can't be a directory below .git/modules. It returns nothing for
// a name that can. Git refuses the component .. alone. Others may lead elsewhere on some file
// systems, and no known repository uses them.
func unsafeName(name string) string {
	switch {
	case len(name) > maxName:
		return fmt.Sprintf("is longer than %d bytes", maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "is not UTF-8, or has a control character in it"
	}
	for part := range strings.FieldsFuncSeq("x/"+name+"/x", func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." || object.IsDotGit(part) {
			return "leads elsewhere: a component of it is ., .. or .git"
		}
	}
	if strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || strings.Contains(name, "//") || name == "" {
		return "is empty, or has an empty component"
	}
	return ""
}

// apart refuses a submodule whose Git directory would be inside that of another submodule,
// where it could replace that one's hooks, for example.
func apart(links []Link) error {
	names := make(map[string]bool, len(links))
	for _, l := range links {
		names[l.Name] = true
	}
	for _, l := range links {
		for i, c := range []byte(l.Name) {
			if c == '/' && names[l.Name[:i]] {
				return &Error{l.Path, fmt.Sprintf("has the name %.200q in .gitmodules, whose Git directory would be inside that of %.200q", l.Name, l.Name[:i])}
			}
		}
	}
	return nil
}
