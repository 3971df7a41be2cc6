package gitlauncher

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pageName is the name of a page: a file in this repository, by its path from the root
// or from the folder of the file that names it.
var pageName = regexp.MustCompile(`[\w./-]*\w\.md\b`)

// TestPagesExist: a clone has every page that a comment or a message names, and every
// page and heading that another page links to.
func TestPagesExist(t *testing.T) {
	named := 0
	each(t, func(path string, data []byte) {
		var texts []string
		switch ext := filepath.Ext(path); {
		case ext == ".go":
			texts = words(t, path, data)
		case ext == ".md":
			links(t, path, string(data))
			return
		case ext == ".yml" || ext == ".yaml" || ext == ".sh" || ext == ".txtar" || ext == ".lock" || ext == "":
			texts = regexp.MustCompile(`(?m)(^|\s)#.*$`).FindAllString(string(data), -1)
		}
		for _, text := range texts {
			text = regexp.MustCompile(`https?://\S+`).ReplaceAllString(text, "")
			for _, page := range pageName.FindAllString(text, -1) {
				named++
				if !exists(page) && !exists(filepath.Join(filepath.Dir(path), page)) {
					t.Errorf("%s names %s, which is not in this repository (pages are VERIFY.md, SECURITY.md, doc/*.md and the like, by their path)", path, page)
				}
			}
		}
	})
	if named < 20 {
		t.Errorf("only %d pages are named: this test no longer reads everything", named)
	}
}

// each calls f for every source file and page, except testdata and build results.
func each(t *testing.T, f func(path string, data []byte)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == ".git" || path == "bin" || d.Name() == "testdata"):
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f(path, data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// words returns the comments of a Go file, and its strings unless it is a test.
func words(t *testing.T, path string, data []byte) (texts []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, data, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Comments {
		texts = append(texts, c.Text())
	}
	if strings.HasSuffix(path, "_test.go") {
		return texts
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.BasicLit); ok && s.Kind == token.STRING {
			texts = append(texts, s.Value)
		}
		return true
	})
	return texts
}

// links checks the links of one page.
func links(t *testing.T, path, text string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`\]\(([^)\s#]*)(?:#([^)\s]*))?\)`).FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], ":") {
			continue
		}
		to := path
		if m[1] != "" {
			to = filepath.Join(filepath.Dir(path), m[1])
		}
		if !exists(to) {
			t.Errorf("%s links to %s, which is not there", path, m[1])
			continue
		}
		if m[2] == "" {
			continue
		}
		page, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, h := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(page), -1) {
			found = found || anchor(h[1]) == m[2]
		}
		if !found {
			t.Errorf("%s links to %s#%s, and there is no such heading", path, m[1], m[2])
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
