// Command man writes a program's manual page from the text of its help, which is the only
// source: man 'what it does' < help > program.1. See `make man`. The help of cobra's
// programs, with that of all their commands, is what their hidden command manual prints.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: man 'what the program does' < help")
		os.Exit(2)
	}
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		_, err = io.WriteString(os.Stdout, page(string(text), os.Args[1]))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "man:", err)
		os.Exit(1)
	}
}

var flagLine = regexp.MustCompile(`^  (--.*?)(?:  +(.*))?$`)

// page returns the manual in the man(7) language. The help begins with a usage block up
// to the first empty line. Paragraphs follow; a paragraph's first line that ends in a
// colon is a heading.
func page(help, does string) string {
	var b strings.Builder
	usage, rest, _ := strings.Cut(help, "\n\n")
	name, _, _ := strings.Cut(strings.TrimPrefix(usage, "Usage: "), " ")
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"git-launcher\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.nf\n", strings.ToUpper(name), escape(name), escape(does))
	b.WriteString(escape(strings.ReplaceAll(strings.TrimPrefix(usage, "Usage: "), "\n       ", "\n")))
	b.WriteString("\n.fi\n.SH DESCRIPTION\n")
	verbatim := false           // whether lines stay as they are
	empty, headed := true, true // whether the line before was empty, and a heading before that
	lines := bufio.NewScanner(strings.NewReader(rest))
	for lines.Scan() {
		line := lines.Text()
		flag := flagLine.FindStringSubmatch(line)
		indented := strings.HasPrefix(line, "  ")
		if verbatim && (!indented || flag != nil) {
			b.WriteString(".fi\n.RE\n")
			verbatim = false
		}
		if line == "" {
			empty = true
			continue
		}
		heading := empty && !indented && strings.HasSuffix(line, ":")
		if empty && !headed && !heading {
			b.WriteString(".PP\n")
		}
		empty, headed = false, heading
		switch {
		case heading && strings.HasPrefix(line, name+" "): // a command
			b.WriteString(".SH " + escape(line) + "\n")
		case heading:
			b.WriteString(".SS " + escape(line) + "\n")
		case flag != nil:
			b.WriteString(".TP\n.B " + escape(flag[1]) + "\n" + escape(flag[2]) + "\n")
		case strings.HasPrefix(line, "          ") && !verbatim: // the continuation of a flag's text
			b.WriteString(escape(strings.TrimSpace(line)) + "\n")
		case indented && !verbatim:
			b.WriteString(".RS\n.nf\n" + escape(line[2:]) + "\n")
			verbatim = true
		case indented:
			b.WriteString(escape(line[2:]) + "\n")
		default:
			b.WriteString(escape(line) + "\n")
		}
	}
	if verbatim {
		b.WriteString(".fi\n.RE\n")
	}
	return strings.ReplaceAll(b.String(), "\n\n", "\n")
}

// escape keeps text from being read as man(7).
func escape(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
