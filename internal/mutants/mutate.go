package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// mutant is one change of one file.
type mutant struct {
	file       string // below the module's root
	line       int
	kind       string
	start, end int    // offsets of the bytes that are replaced
	text       string // by this
	was        string // the line, trimmed, without its comment
}

// apply returns the changed file.
func (m *mutant) apply(source []byte) []byte {
	return slices.Concat(source[:m.start], []byte(m.text), source[m.end:])
}

// String names a mutant for people and for equivalent.txt. It has no line number, which
// changes with every edit.
func (m *mutant) String() string { return fmt.Sprintf("%s: %s: %s", m.file, m.kind, m.was) }

// mutants returns all changes that a file offers, in the order of the source.
func mutants(name string, source []byte) ([]mutant, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := finder{name: name, source: source, fset: fset}
	ast.Inspect(file, f.visit)
	slices.SortStableFunc(f.found, func(a, b mutant) int { return a.start - b.start })
	return f.found, nil
}

type finder struct {
	name   string
	source []byte
	fset   *token.FileSet
	found  []mutant
}

// add notes a change of a node; %s in the format is the node's own text.
func (f *finder) add(kind string, n ast.Node, format string) {
	start, end := f.fset.Position(n.Pos()).Offset, f.fset.Position(n.End()).Offset
	f.replace(kind, start, end, strings.ReplaceAll(format, "%s", string(f.source[start:end])))
}

func (f *finder) replace(kind string, start, end int, text string) {
	lineStart := strings.LastIndexByte(string(f.source[:start]), '\n') + 1
	was, _, _ := strings.Cut(string(f.source[lineStart:]), "\n")
	was, _, _ = strings.Cut(was, " // ")
	line := strings.Count(string(f.source[:start]), "\n") + 1
	f.found = append(f.found, mutant{f.name, line, kind, start, end, text, strings.TrimSpace(was)})
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		if n.Tok == token.CONST {
			ast.Inspect(n, f.constants)
		}
		return n.Tok != token.IMPORT && n.Tok != token.CONST
	case *ast.IfStmt:
		f.condition(n.Cond)
	case *ast.SwitchStmt:
		if n.Tag == nil {
			for _, c := range n.Body.List {
				for _, cond := range c.(*ast.CaseClause).List {
					f.condition(cond)
				}
			}
		}
	case *ast.BinaryExpr:
		f.operator(n)
	case *ast.ReturnStmt:
		if len(n.Results) > 0 && isError(n.Results[len(n.Results)-1]) {
			f.add("error becomes nil", n.Results[len(n.Results)-1], "nil")
		}
	case *ast.ExprStmt:
		if call, ok := n.X.(*ast.CallExpr); ok && !incidental(call) {
			f.add("call is left out", n, "")
		}
	}
	return true
}

// condition adds two changes: the guard never fires, or its condition is negated.
func (f *finder) condition(cond ast.Expr) {
	f.add("guard never fires", cond, "(%s) && false")
	f.add("condition is negated", cond, "!(%s)")
}

// constants adds a change for each number in a declaration of constants: it is one
// higher.
func (f *finder) constants(n ast.Node) bool {
	if lit, ok := n.(*ast.BasicLit); ok {
		f.number(lit)
	}
	return true
}

func (f *finder) number(lit *ast.BasicLit) {
	if v, err := strconv.ParseInt(lit.Value, 0, 64); lit.Kind == token.INT && err == nil {
		f.add("number is one higher", lit, strconv.FormatInt(v+1, 10))
	}
}

var operators = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LAND: token.LOR, token.LOR: token.LAND,
}

// operator adds changes of an operator and of the numbers beside it: a limit moves by
// one, and a comparison or connective becomes the opposite one.
func (f *finder) operator(n *ast.BinaryExpr) {
	other, ok := operators[n.Op]
	if !ok {
		return
	}
	at := f.fset.Position(n.OpPos).Offset
	f.replace("operator is "+other.String(), at, at+len(n.Op.String()), other.String())
	if n.Op == token.LAND || n.Op == token.LOR {
		return
	}
	for _, side := range []ast.Expr{n.X, n.Y} {
		if lit, ok := side.(*ast.BasicLit); ok {
			f.number(lit)
		}
	}
}

// isError reports whether an expression looks like an error: err, a new one, or a
// literal of a type whose name says so.
func isError(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "err"
	case *ast.CallExpr:
		name := called(e)
		return name == "Errorf" || name == "New" || name == "Join" || strings.HasSuffix(name, "Error")
	case *ast.UnaryExpr:
		return e.Op == token.AND && isError(e.X)
	case *ast.CompositeLit:
		switch t := e.Type.(type) {
		case *ast.Ident:
			return strings.HasSuffix(t.Name, "Error")
		case *ast.SelectorExpr:
			return strings.HasSuffix(t.Sel.Name, "Error")
		}
	}
	return false
}

func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// incidental reports whether it does not matter that a call is left out: it logs,
// prints or releases something.
func incidental(c *ast.CallExpr) bool {
	switch called(c) {
	case "Debug", "Info", "Warn", "Error", "Log", "Printf", "Print", "Println", "Fprintf", "Fprint", "Fprintln", "Close", "Stop", "Done", "Unlock", "panic", "close", "cancel", "stop", "progress":
		return true
	}
	return false
}
