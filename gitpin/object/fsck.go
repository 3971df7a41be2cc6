package object

import (
	"bytes"
	"math"
	"strconv"
)

// CheckCommit returns what git-fsck(1) finds wrong with a commit that [ParseCommit]
// accepts, by git's own name for the fault ("missingEmail"), or "". Git checks such a
// commit out all the same.
func CheckCommit(content []byte) string {
	if fault := checkHeaders(content); fault != "" {
		return fault
	}
	_, rest, _ := bytes.Cut(content, []byte{'\n'}) // the tree's line
	for bytes.HasPrefix(rest, []byte("parent ")) {
		_, rest, _ = bytes.Cut(rest, []byte{'\n'})
	}
	authors := 0
	for ; bytes.HasPrefix(rest, []byte("author ")); authors++ {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte{'\n'})
		if fault := checkIdent(line[len("author "):]); fault != "" {
			return fault
		}
	}
	line, _, _ := bytes.Cut(rest, []byte{'\n'})
	switch {
	case authors == 0:
		return "missingAuthor"
	case authors > 1:
		return "multipleAuthors"
	case !bytes.HasPrefix(line, []byte("committer ")):
		return "missingCommitter"
	}
	if fault := checkIdent(line[len("committer "):]); fault != "" {
		return fault
	}
	if bytes.IndexByte(content, 0) >= 0 {
		return "nulInCommit"
	}
	return ""
}

// checkHeaders checks that the headers end as they must.
func checkHeaders(content []byte) string {
	headers, _, ends := bytes.Cut(content, []byte("\n\n"))
	switch {
	case bytes.IndexByte(headers, 0) >= 0:
		return "nulInHeader"
	case !ends && !bytes.HasSuffix(content, []byte{'\n'}):
		return "unterminatedHeader"
	}
	return ""
}

// checkIdent checks who did something, and when: "Name <email> seconds +zone".
func checkIdent(ident []byte) string {
	name, rest := cutAny(ident, "<>")
	switch {
	case bytes.HasPrefix(ident, []byte{'<'}):
		return "missingNameBeforeEmail"
	case bytes.HasPrefix(rest, []byte{'>'}):
		return "badName"
	case len(rest) == 0:
		return "missingEmail"
	case !bytes.HasSuffix(name, []byte{' '}):
		return "missingSpaceBeforeEmail"
	}
	_, rest = cutAny(rest[1:], "<>")
	if !bytes.HasPrefix(rest, []byte{'>'}) {
		return "badEmail"
	}
	date, ok := bytes.CutPrefix(rest[1:], []byte{' '})
	if !ok {
		return "missingSpaceBeforeDate"
	}
	return checkDate(date)
}

// cutAny cuts before the first byte that is in chars.
func cutAny(b []byte, chars string) (before, from []byte) {
	if i := bytes.IndexAny(b, chars); i >= 0 {
		return b[:i], b[i:]
	}
	return b, nil
}

func checkDate(date []byte) string {
	seconds, zone, ok := bytes.Cut(date, []byte{' '})
	if len(seconds) > 1 && seconds[0] == '0' {
		return "zeroPaddedDate"
	}
	if len(bytes.Trim(seconds, "0123456789")) > 0 || len(seconds) == 0 || !ok {
		return "badDate"
	}
	if n, err := strconv.ParseUint(string(seconds), 10, 64); err != nil || n > math.MaxInt64 {
		return "badDateOverflow"
	}
	if len(zone) != 5 || zone[0] != '+' && zone[0] != '-' || len(bytes.Trim(zone[1:], "0123456789")) > 0 {
		return "badTimezone"
	}
	return ""
}

// CheckTree returns git's own name for the fault that git-fsck(1) finds in the modes of a
// tree, or "". The tree has the format f, and [ParseTree] accepts it. Git uses only the kind
// and the owner's execute bit of such a mode.
func CheckTree(f Format, content []byte) string {
	for len(content) > 0 {
		digits, _, rest, _ := f.cutEntry(content)
		switch string(digits) {
		case "40000", "100644", "100664", "100755", "120000", "160000":
		default:
			if digits[0] == '0' {
				return "zeroPaddedFilemode"
			}
			return "badFilemode"
		}
		content = rest
	}
	return ""
}
