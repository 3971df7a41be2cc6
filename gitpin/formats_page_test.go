package gitpin_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"gitlauncher/gitpin/fetch"
)

var update = flag.Bool("update", false, "write the rows of doc/formats.md anew")

// rows holds the outcomes of a table of the page, by their inputs.
type rows map[string]string

func (r rows) table(b *strings.Builder, title, test string) {
	fmt.Fprintf(b, "\n**%s** (`%s`)\n\n| input | outcome |\n|---|---|\n", title, test)
	for _, input := range slices.Sorted(maps.Keys(r)) {
		fmt.Fprintf(b, "| %s | %s |\n", cell(input), r[input])
	}
}

// list writes inputs that all have the same outcome.
func list[V any](b *strings.Builder, title, test, outcome string, inputs map[string]V) {
	fmt.Fprintf(b, "\n**%s** (`%s`): %s.\n\n", title, test, outcome)
	for _, input := range slices.Sorted(maps.Keys(inputs)) {
		fmt.Fprintf(b, "- %s\n", input)
	}
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// refusal returns a refusal in the launcher's words.
func refusal(says string) string {
	return "refused: \u201c" + cell(strings.NewReplacer("\x1b", "").Replace(says)) + "\u201d"
}

// transfer returns the outcome of a transfer. A reason of -1 means that it did not fail.
func transfer(reason fetch.Reason, says string) string {
	if reason < 0 {
		return "launches"
	}
	return refusal(says)
}

// TestFormatsPage: doc/formats.md has the rows of the tests' tables. To write them:
// go test ./gitpin -run FormatsPage -update
func TestFormatsPage(t *testing.T) {
	const file, begin, end = "../doc/formats.md", "<!-- rows of TestFormatsPage -->\n", "\n<!-- end of rows -->"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	have, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatal("the page has no place for rows")
	}
	var b strings.Builder
	list(&b, "Formats that meet", "TestCrossings", "each launches, restarts without network, and mends what a run changed; a changed content of Git LFS is fetched again", crossings)

	all := make(rows)
	for name, c := range refusedTrees(strings.Repeat("1", 40), "/srv") {
		all[name] = refusal(c.says)
	}
	all.table(&b, "Trees with submodules", "TestSubmodulesRefused")

	all = make(rows)
	for name, c := range tamperings() {
		all[name] = map[bool]string{false: "mended, without network", true: "fetched again"}[c.network]
	}
	all.table(&b, "What a run does to a submodule", "TestSubmodulesTampered")

	all = make(rows)
	for name, c := range lfsAttacks {
		all[name] = transfer(c.reason, c.says)
	}
	all.table(&b, "Answers of a Git LFS server", "TestLFSAttacks")

	all = make(rows)
	for name, c := range lfsSSHAttacks {
		all[name] = transfer(c.reason, c.says)
	}
	all.table(&b, "Answers of an SSH host with Git LFS", "TestLFSOverSSHAttacks")

	list(&b, "The first of two sources", "TestMirrors", "each costs time alone, since the next source is asked; where there is none, the error names the cause", badSources)

	all = make(rows)
	h := newHost(t)
	for name, c := range badBundles(t, h) {
		all[name] = refusal(strings.NewReplacer(h.First, "COMMIT", h.Head, "COMMIT").Replace(c.says))
	}
	all.table(&b, "Bundles", "TestBundleRefused")

	want := b.String()
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have != want {
		t.Errorf("%s has other rows than the tests; write them with -update", file)
	}
}
