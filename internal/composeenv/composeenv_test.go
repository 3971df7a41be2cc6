package composeenv_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/internal/composeenv"
	"gitlauncher/internal/strictyaml"
)

// TestOf: how a value of each form reaches the container.
func TestOf(t *testing.T) {
	literal := func(value string) composeenv.Var {
		return composeenv.Var{Name: "A", Value: value, Literal: true, Text: strings.ReplaceAll(value, "$", "$$")}
	}
	open := func(text string) composeenv.Var { return composeenv.Var{Name: "A", Text: text} }
	for text, want := range map[string]composeenv.Var{
		"{A: b}": literal("b"), "[A=b]": literal("b"), "['A=b=c']": literal("b=c"), "['A=']": literal(""), "{A: ''}": literal(""), "{A: 1}": literal("1"), "{A: true}": literal("true"), "{A: TRUE}": literal("true"), "{A: 1.50}": literal("1.5"), "{A: 1e6}": literal("1e+06"), "{A: 017}": literal("15"), "{A: yes}": literal("yes"),
		"[A=017]": literal("017"), "[A=true]": literal("true"),
		"\n  A: |\n    x\n    y\n\n": literal("x\ny\n"), "\n  A: |-\n    x\n    y\n": literal("x\ny"), "\n  A: |+\n    x\n\n\n": literal("x\n\n\n"), "\n  A: >\n    x\n    y\n": literal("x y\n"), "\n  - |\n    A=x\n    y\n": literal("x\ny\n"),
		"{A: $$B}": literal("$B"), "{A: '$$$$'}": literal("$$"), "[A=$$]": literal("$"),
		"{A: }": open(""), "[A]": open(""), "{A: $B}": open("$B"), "{A: '${B}'}": open("${B}"), "{A: '$$$B'}": open("$$$B"), "{A: '$'}": open("$"), "['A=${B:-c}']": open("${B:-c}"), "{A: '${A:-}'}": open("${A:-}"), "{A: $A}": open("$A"),
		"{A: '${A}'}": {Name: "A", Text: "${A}", Through: true}, "['A=${A}']": {Name: "A", Text: "${A}", Through: true},
		"['A$$B=c']": {Name: "A$$B", Text: "c"}, "['${A}=${A}']": {Name: "${A}", Text: "${A}"},
	} {
		service, err := strictyaml.Decode([]byte("environment: " + text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got, err := composeenv.Of(service)
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%q is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"[A=b, A=c]": "twice", "[A, A=c]": "twice", "[1]": "NAME=value", "[{A: b}]": "NAME=value", "{A: [b]}": "neither", "{A: {b: c}}": "neither", "x": "neither a mapping",
	} {
		service, err := strictyaml.Decode([]byte("environment: " + text))
		if err != nil {
			t.Fatal(err)
		}
		if vars, err := composeenv.Of(service); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %v, %v; want %q", text, vars, err, want)
		}
	}
}

func TestValues(t *testing.T) {
	got, err := composeenv.Values([]byte("x-e: &e {CONFIG: shared}\nservices:\n  a: {environment: {CONFIG: \"x\\ny\"}}\n  b: {environment: [CONFIG=$X]}\n  c: {image: x}\n  d:\n  e:\n    environment:\n      <<: *e\n"), "CONFIG")
	if diff := cmp.Diff(map[string]string{"a": "x\ny", "e": "shared"}, got); diff != "" || err != nil {
		t.Errorf("%s, %v", diff, err)
	}
	for text, want := range map[string]string{"services: {a: {environment: [A, A]}}": "service \"a\"", "services: {a: !x {}}": "line 1: has the tag"} {
		if got, err := composeenv.Values([]byte(text), "A"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
}

func ExampleValues() {
	values, err := composeenv.Values([]byte(`
services:
  app:
    environment:
      GIT_LAUNCHER_CONFIG: |
        RUN_CMD=echo $$HOME
`), "GIT_LAUNCHER_CONFIG")
	fmt.Printf("%q %v\n", values["app"], err)
	// Output: "RUN_CMD=echo $HOME\n" <nil>
}
