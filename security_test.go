package gitlauncher

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSecurityTable: each test that SECURITY.md names exists and says which row it is
// for, each row that a test says it is for names that test, and each row has a test.
func TestSecurityTable(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string][]string) // tests by row
	for _, m := range regexp.MustCompile(`(?m)^\| ([A-Z]\d+) \| .* \| (.*) \|$`).FindAllStringSubmatch(string(page), -1) {
		row := m[1]
		if _, twice := named[row]; twice {
			t.Errorf("SECURITY.md has two rows %s", row)
		}
		named[row] = nil
		for _, n := range regexp.MustCompile("`((?:Test|Fuzz|Benchmark)\\w+|[a-z0-9]+(?:[_-][a-z0-9]+)*)`").FindAllStringSubmatch(m[2], -1) {
			named[row] = append(named[row], n[1])
		}
		if len(named[row]) == 0 {
			t.Errorf("SECURITY.md: row %s has no test", row)
		}
	}
	if rows := regexp.MustCompile(`(?m)^\| .* \|$`).FindAllString(string(page), -1); len(named) < 40 || len(rows) > len(named)+20 {
		t.Errorf("%d rows have a name, of %d lines of tables: a row begins with its name, such as | G1 |", len(named), len(rows))
	}
	said := saying(t)
	for row, tests := range named {
		for _, name := range tests {
			switch rows, there := said[name]; {
			case !there:
				t.Errorf("SECURITY.md: row %s names %s, and there is no such test", row, name)
			case !slices.Contains(rows, row):
				t.Errorf("SECURITY.md: row %s names %s, whose comment does not say so: add \"SECURITY.md: %s.\" to it", row, name, row)
			}
		}
	}
	for name, rows := range said {
		for _, row := range rows {
			if !slices.Contains(named[row], name) {
				t.Errorf("%s says that it is for row %s of SECURITY.md, which does not name it", name, row)
			}
		}
	}
}

// saying returns every test of this repository, in Go or as a script, with the rows of
// SECURITY.md that its comment names. Tests of one name count as one.
func saying(t *testing.T) map[string][]string {
	t.Helper()
	said := make(map[string][]string)
	add := func(name, comment string) {
		rows := said[name]
		if m := regexp.MustCompile(`SECURITY\.md: ([A-Z]\d+(?:, [A-Z]\d+)*)`).FindStringSubmatch(comment); m != nil {
			rows = append(rows, strings.Split(m[1], ", ")...)
		}
		said[name] = rows
	}
	function := regexp.MustCompile(`(?m)((?:^//.*\n)*)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	each(t, func(path string, data []byte) {
		switch {
		case strings.HasSuffix(path, "_test.go"):
			for _, m := range function.FindAllStringSubmatch(string(data), -1) {
				add(m[2], m[1])
			}
		case filepath.Ext(path) == ".txtar":
			add(strings.TrimSuffix(filepath.Base(path), ".txtar"), string(data))
		}
	})
	return said
}

// TestStumblingBlocks: each test that doc/deploy.md names in its table of them exists, and
// each row has one.
func TestStumblingBlocks(t *testing.T) {
	page, err := os.ReadFile("doc/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n| then | now | tests |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	there := saying(t)
	rows := strings.Split(table, "\n")
	for _, row := range rows {
		cells := strings.Split(row, " | ")
		named := regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(cells) != 3 || len(named) == 0 {
			t.Errorf("no three cells, or no test: %s", row)
		}
		for _, n := range named {
			if _, ok := there[n[1]]; !ok {
				t.Errorf("doc/deploy.md names %s, and there is no such test", n[1])
			}
		}
	}
	if len(rows) < 8 {
		t.Errorf("the table has %d rows", len(rows))
	}
}

// TestLimitsTable: each test that doc/limits.md names, by package and name, exists.
func TestLimitsTable(t *testing.T) {
	page, err := os.ReadFile("doc/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	each(t, func(path string, data []byte) {
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range function.FindAllStringSubmatch(string(data), -1) {
				there[filepath.Base(filepath.Dir(path))+"."+m[1]] = true
			}
		}
	})
	named := regexp.MustCompile("`([a-z]+\\.Test\\w+)`").FindAllStringSubmatch(string(page), -1)
	for _, n := range named {
		if !there[n[1]] {
			t.Errorf("doc/limits.md names %s, and there is no such test", n[1])
		}
	}
	if len(named) < 20 {
		t.Errorf("%d tests are named", len(named))
	}
}
