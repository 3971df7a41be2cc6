package strictyaml

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// maxSigns bounds the signs from which a parser makes nodes. Each makes two nodes
// at most, and two parsers spend some kilobyte on a node.
const maxSigns = 1 << 15

// text refuses what can be refused without parsing.
func text(data []byte) error {
	if len(data) > MaxSize {
		return refuse(0, "is larger than %d KiB", MaxSize>>10)
	}
	if !utf8.Valid(data) {
		return refuse(0, "is not valid UTF-8")
	}
	signs, number, started, ended := 0, 0, false, false
	for line := range bytes.Lines(data) {
		number++
		line = bytes.TrimSuffix(line, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		if r, bad := odd(line); bad {
			return refuse(number, "has the character %U, which readers treat differently", r)
		}
		if signs += structure(line); signs > maxSigns {
			return refuse(number, "is too much to judge: it has more than %d signs of structure", maxSigns)
		}
		blank := blankLine(line)
		switch marker := marker(line); {
		case ended && !blank:
			return refuse(number, "has something after its end")
		case bytes.HasPrefix(line, []byte("%")):
			return refuse(number, "begins with “%%”, as a directive does; directives change what a reader makes of the rest")
		case marker == "---" && started:
			return refuse(number, "begins a second document, which some readers pass over")
		case marker == "---" && !blankLine(line[len("---"):]):
			return refuse(number, "has something after “---”")
		case marker == "...":
			ended = true
		}
		started = started || !blank
	}
	return nil
}

// blankLine reports whether a line has nothing but blanks and a comment.
func blankLine(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return len(line) == 0 || line[0] == '#'
}

// marker returns the document marker that a line begins with, or "".
func marker(line []byte) string {
	if len(line) < 3 || len(line) > 3 && line[3] != ' ' && line[3] != '\t' {
		return ""
	}
	if m := string(line[:3]); m == "---" || m == "..." {
		return m
	}
	return ""
}

// odd finds a character of a line that some readers refuse, drop, or take for a line
// break: controls except the tab, a CR within a line, NEL, LS, PS and the byte-order
// mark.
func odd(line []byte) (rune, bool) {
	for _, r := range string(line) {
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || strings.ContainsRune("\u2028\u2029\ufeff\ufffe\uffff", r) {
			return r, true
		}
	}
	return 0, false
}

// structure counts the signs of a line from which a parser may make nodes: those of
// flow style anywhere, those of block style before a blank or the end, and those of
// tags, anchors, aliases and comments after one.
func structure(line []byte) (n int) {
	for i, c := range line {
		switch c {
		case '[', '{', ',':
			n++
		case '-', ':', '?':
			if i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t' {
				n++
			}
		case '!', '&', '*', '#':
			if i == 0 || line[i-1] == ' ' || line[i-1] == '\t' {
				n++
			}
		case '"', '\'': // a quoted key needs no blank after its colon
			if i+1 < len(line) && line[i+1] == ':' {
				n++
			}
		}
	}
	return n
}
