package reportschema_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"gitlauncher/internal/reportschema"
	"gitlauncher/internal/schematest"
	"gitlauncher/measure"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/report"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(reportschema.Of())
	if err != nil {
		t.Fatal(err)
	}
	return schematest.Compile(t, text)
}

// full returns a report in which every key has a value.
func full() *report.Report {
	return &report.Report{
		Verdict: report.VerifiedElsewhere, Kind: evidence.KindReceipt, AsOf: time.Unix(0, 0).UTC(), RootSHA: strings.Repeat("0a", 32), Accepted: []string{"x"},
		Launches: []report.Launch{{Mode: "git", Binding: measure.Pinned, Commit: "a", Repo: "b", Image: "c", Record: "d"}},
		Findings: []report.Finding{{Check: "A", Name: "n", Outcome: report.Note, Expected: "e", Found: "f", Why: "w", Accept: "a", Settle: []string{"s"}}},
	}
}

// TestOf: a report fits the schema, with all its keys and without those that may be
// left out. With a key more, a key less or another word it does not fit.
func TestOf(t *testing.T) {
	schema := compiled(t)
	fits := func(change func(r, launch, finding map[string]any)) error {
		text, err := json.Marshal(full())
		if err != nil {
			t.Fatal(err)
		}
		doc := schematest.Document(t, text)
		r := doc.(map[string]any)
		first := func(key string) map[string]any { return r[key].([]any)[0].(map[string]any) }
		change(r, first("launches"), first("findings"))
		return schema.Validate(doc)
	}
	if err := fits(func(_, _, _ map[string]any) {}); err != nil {
		t.Error(err)
	}
	err := fits(func(r, l, f map[string]any) {
		for _, key := range []string{"commit", "repo_url", "image_digest", "record"} {
			delete(l, key)
		}
		for _, key := range []string{"expected", "found", "why", "accept", "settle"} {
			delete(f, key)
		}
		delete(r, "accepted")
	})
	if err != nil {
		t.Errorf("the least report: %v", err)
	}
	for name, change := range map[string]func(r, l, f map[string]any){
		"an unknown key":                func(r, _, _ map[string]any) { r["more"] = true },
		"an unknown key of a launch":    func(_, l, _ map[string]any) { l["more"] = true },
		"an unknown key of a finding":   func(_, _, f map[string]any) { f["more"] = true },
		"no verdict":                    func(r, _, _ map[string]any) { delete(r, "verdict") },
		"no findings":                   func(r, _, _ map[string]any) { delete(r, "findings") },
		"no word about the root":        func(r, _, _ map[string]any) { delete(r, "intel") },
		"no binding":                    func(_, l, _ map[string]any) { delete(l, "binding") },
		"no outcome":                    func(_, _, f map[string]any) { delete(f, "outcome") },
		"another verdict":               func(r, _, _ map[string]any) { r["verdict"] = "VERIFIED BY ME" },
		"another case":                  func(r, _, _ map[string]any) { r["verdict"] = "verified" },
		"an exit code of no report":     func(r, _, _ map[string]any) { r["exit_code"] = json.Number("2") },
		"another outcome":               func(_, _, f map[string]any) { f["outcome"] = "ok" },
		"a check that is none":          func(_, _, f map[string]any) { f["check"] = "G" },
		"a mode that is none":           func(_, l, _ map[string]any) { l["mode"] = "oci" },
		"null":                          func(r, _, _ map[string]any) { r["launches"] = nil },
		"a time that is none":           func(r, _, _ map[string]any) { r["judged_as_of"] = "yesterday" },
		"a fingerprint that is none":    func(r, _, _ map[string]any) { r["root_sha256"] = "00" },
		"a number for a truth":          func(r, _, _ map[string]any) { r["intel"] = json.Number("1") },
		"an object for a finding's why": func(_, _, f map[string]any) { f["why"] = map[string]any{} },
	} {
		if fits(change) == nil {
			t.Errorf("%s fits", name)
		}
	}
}

// TestWords: the schema has all constants of the types whose words it lists.
func TestWords(t *testing.T) {
	text, err := json.Marshal(reportschema.Of())
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []struct{ dir, name, one string }{
		{"../../verify/report", "Verdict", "VERIFIED"}, {"../../verify/report", "Outcome", "pass"}, {"../../verify/evidence", "Kind", "launch receipt"}, {"../../measure", "Binding", "pinned"},
	} {
		words := constants(t, of.dir, of.name)
		if !slices.Contains(words, of.one) {
			t.Errorf("%s: %q", of.name, words)
		}
		for _, word := range words {
			if !strings.Contains(string(text), strconv.Quote(word)) {
				t.Errorf("the schema has no %s %q", of.name, word)
			}
		}
	}
	if !strings.Contains(string(text), strconv.Quote(string(report.VerifiedElsewhere))) {
		t.Error("the schema lacks the verdict under another root")
	}
}

// constants returns those of a type that are written as words.
func constants(t *testing.T, dir, name string) (words []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if of, ok := spec.Type.(*ast.Ident); !ok || of.Name != name {
				return true
			}
			for _, v := range spec.Values {
				if word, ok := v.(*ast.BasicLit); ok {
					text, err := strconv.Unquote(word.Value)
					if err != nil {
						t.Fatal(err)
					}
					words = append(words, text)
				}
			}
			return true
		})
	}
	return words
}
