// Package reportschema makes the JSON Schema of a report from its Go types, so that the
// two can't differ.
//
// A schema says what a report may look like, not that it is true: only judging the
// evidence shows that. It follows JSON Schema's draft 2020-12
// (https://json-schema.org/draft/2020-12). Types from [report.Report] down are read by
// reflection. Go's types don't say which words there are: a table here does, and a test
// compares it with the constants.
package reportschema

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"gitlauncher/measure"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/report"
)

// node is a schema, or a part of one.
type node map[string]any

// words are the values that a type can have.
var words = map[reflect.Type]node{
	reflect.TypeFor[report.Verdict]():  enum(report.Verified, report.VerifiedElsewhere, report.Unclear, report.NotVerified),
	reflect.TypeFor[report.Outcome]():  enum(report.Pass, report.Note, report.Undecided, report.NotAllowed, report.Invalid),
	reflect.TypeFor[evidence.Kind]():   enum(evidence.KindReceipt, evidence.KindQuote, evidence.KindAttest, evidence.KindPhala, evidence.KindNEAR, evidence.KindParts),
	reflect.TypeFor[measure.Binding](): enum(measure.Recorded, measure.Pinned),
	reflect.TypeFor[time.Time]():       {"type": "string", "format": "date-time"},
}

// fields are those, as TYPE.key, that hold fewer values than their type has.
var fields = map[string]node{
	"Report.exit_code":   enum(report.ExitVerified, report.ExitUndecided, report.ExitInvalid, report.ExitNotAllowed),
	"Report.root_sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
	"Finding.check":      enum("A", "B", "C", "D", "E", "F"),
	"Launch.mode":        enum("git", "image"),
}

func enum[T any](values ...T) node { return node{"enum": values} }

// Of returns the schema of a report.
func Of() map[string]any {
	defs := make(node)
	top := object(reflect.TypeFor[report.Report](), defs)
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = "report"
	top["description"] = "What git-launcher-verify --json prints of one evidence. VERIFY.md, “The report as JSON”, says what the keys mean."
	top["$defs"] = defs
	return top
}

// object returns the schema of a structure: all keys are known, and those that are
// never left out are required.
func object(t reflect.Type, defs node) node {
	properties, required := make(node), []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key == "" || key == "-" || f.Anonymous {
			panic(fmt.Sprintf("reportschema: %s.%s has no key of its own", t, f.Name))
		}
		if options != "omitempty" {
			required = append(required, key)
		}
		if less, ok := fields[t.Name()+"."+key]; ok {
			properties[key] = less
			continue
		}
		properties[key] = value(f.Type, defs)
	}
	return node{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// value returns the schema of a value. Structures become definitions.
func value(t reflect.Type, defs node) node {
	if known, ok := words[t]; ok {
		return known
	}
	switch t.Kind() {
	case reflect.String:
		return node{"type": "string"}
	case reflect.Bool:
		return node{"type": "boolean"}
	case reflect.Int:
		return node{"type": "integer"}
	case reflect.Slice:
		return node{"type": "array", "items": value(t.Elem(), defs)}
	case reflect.Struct:
		name := strings.ToLower(t.Name())
		if _, done := defs[name]; !done {
			defs[name] = nil // so that a type within itself ends
			defs[name] = object(t, defs)
		}
		return node{"$ref": "#/$defs/" + name}
	}
	panic(fmt.Sprintf("reportschema: no schema of %s", t))
}
