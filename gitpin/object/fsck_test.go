package object_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
)

// literal writes an object without any check, and returns its id.
func literal(t *testing.T, repo, typ, content string) string {
	t.Helper()
	cmd := exec.Command("git", "hash-object", "-w", "--literally", "-t", typ, "--stdin")
	cmd.Dir, cmd.Env, cmd.Stdin = repo, gittest.Env(), strings.NewReader(content)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// fsck runs git fsck and returns the first fault that it reports of each object, by the
// object's id.
func fsck(t *testing.T, repo string) map[string]string {
	t.Helper()
	cmd := exec.Command("git", "fsck", "--no-dangling")
	cmd.Dir, cmd.Env = repo, gittest.Env()
	out, _ := cmd.CombinedOutput() // it fails where there are faults
	faults := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		// "warning in tree <id>: badFilemode: contains bad file modes"
		words := strings.Fields(line)
		if len(words) < 5 || words[1] != "in" {
			continue
		}
		if id := strings.TrimSuffix(words[3], ":"); faults[id] == "" {
			faults[id] = strings.TrimSuffix(words[4], ":")
		}
	}
	return faults
}

func repository(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "r")
	if _, err := gittest.Git(t.TempDir(), nil, "init", "-q", dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestCheckCommit: CheckCommit reports of each commit what git fsck reports.
func TestCheckCommit(t *testing.T) {
	repo := repository(t)
	tree := "tree " + literal(t, repo, "tree", "") + "\n"
	const ident, good = "A U Thor <a@example.org> 1700000000 +0100", "author A U Thor <a@example.org> 1700000000 +0100\ncommitter A U Thor <a@example.org> 1700000000 +0100\n\nm\n"
	commits := map[string]string{"": tree + good}
	for name, c := range map[string]string{
		"missingAuthor":           tree + "committer " + ident + "\n\nm\n",
		"missingAuthor, no more":  tree + "\n",
		"missingAuthor, 2 trees":  tree + tree + good,
		"missingCommitter":        tree + "author " + ident + "\n\nm\n",
		"multipleAuthors":         tree + "author " + ident + "\n" + good,
		"nulInHeader":             tree + "author A\x00B <a> 1 +0000\ncommitter A <a> 1 +0000\n\nm\n",
		"nulInCommit":             tree + good + "a\x00b\n",
		"unterminatedHeader":      tree + "author " + ident + "\ncommitter " + ident,
		"an extra header":         tree + strings.Replace(good, "\n\n", "\nencoding latin-1\n\n", 1),
		"no message":              tree + "author " + ident + "\ncommitter " + ident + "\n",
		"missingEmail":            tree + strings.ReplaceAll(good, "<a@example.org> ", ""),
		"missingNameBeforeEmail":  tree + strings.ReplaceAll(good, "A U Thor ", ""),
		"badName":                 tree + strings.ReplaceAll(good, "Thor ", "Thor> "),
		"missingSpaceBeforeEmail": tree + strings.ReplaceAll(good, "Thor ", "Thor"),
		"badEmail":                tree + strings.ReplaceAll(good, "<a@", "<a<"),
		"badEmail, open":          tree + strings.ReplaceAll(good, "org> ", "org "),
		"missingSpaceBeforeDate":  tree + strings.ReplaceAll(good, "> 1", ">1"),
		"zeroPaddedDate":          tree + strings.ReplaceAll(good, " 17", " 017"),
		"date of zero":            tree + strings.ReplaceAll(good, " 1700000000 ", " 0 "),
		"badDate":                 tree + strings.ReplaceAll(good, " 1700000000 ", " x "),
		"badDate, no zone":        tree + strings.ReplaceAll(good, " +0100", ""),
		"badDateOverflow":         tree + strings.ReplaceAll(good, " 17", " 99999999999999999999"),
		"badTimezone":             tree + strings.ReplaceAll(good, "+0100", "0100"),
		"badTimezone, long":       tree + strings.ReplaceAll(good, "+0100", "+01000"),
		"badTimezone, short":      tree + strings.ReplaceAll(good, "+0100", "+010"),
		"badTimezone, words":      tree + strings.ReplaceAll(good, "+0100", "+01:0"),
		"the committer alone":     tree + strings.Replace(good, "committer A U Thor ", "committer ", 1),
		"an empty name":           tree + strings.ReplaceAll(good, "A U Thor ", " "),
		"an empty address":        tree + strings.ReplaceAll(good, "a@example.org", ""),
		"ids in capitals":         strings.ToUpper(tree[5:]),
	} {
		if name == "ids in capitals" {
			c = "tree " + c + good
		}
		commits[name] = c
	}
	ids := make(map[string]string)
	for name, c := range commits {
		ids[name] = literal(t, repo, "commit", c)
	}
	faults, found := fsck(t, repo), 0
	for name, c := range commits {
		if _, err := object.ParseCommit(object.SHA1, []byte(c)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got, want := object.CheckCommit([]byte(c)), faults[ids[name]]
		if got != want {
			t.Errorf("%s: we say %q, git says %q", name, got, want)
		}
		if want != "" {
			found++
		}
	}
	if found < 20 {
		t.Errorf("git finds fault with only %d commits", found)
	}
}

// modes are ways to write a mode, and the mode that git reads.
var modes = []struct {
	written string
	read    object.Mode // 0 where git can't read it
}{
	{"40000", object.ModeDir}, {"040000", object.ModeDir}, {"40755", object.ModeDir}, {"040700", object.ModeDir}, {"0000000040000", object.ModeDir}, {"40001", object.ModeDir},
	{"100644", object.ModeFile}, {"0100644", object.ModeFile}, {"100664", object.ModeFile}, {"100600", object.ModeFile}, {"100000", object.ModeFile}, {"100666", object.ModeFile}, {"101644", object.ModeFile}, {"1100644", object.ModeFile}, {"100011", object.ModeFile},
	{"100755", object.ModeExec}, {"100700", object.ModeExec}, {"100777", object.ModeExec}, {"100100", object.ModeExec}, {"104755", object.ModeExec}, {"0100755", object.ModeExec},
	{"120000", object.ModeSymlink}, {"0120000", object.ModeSymlink}, {"120777", object.ModeSymlink}, {"120644", object.ModeSymlink},
	{"160000", object.ModeGitlink}, {"0160000", object.ModeGitlink}, {"160644", object.ModeGitlink},
	{"0", object.ModeGitlink}, {"10000", object.ModeGitlink}, {"20000", object.ModeGitlink}, {"60000", object.ModeGitlink}, {"140000", object.ModeGitlink}, {"170000", object.ModeGitlink}, {"200644", object.ModeGitlink}, {"37777777777", object.ModeGitlink},
	{"", 0}, {"8", 0}, {"10064x", 0}, {"+100644", 0}, {"-1", 0}, {"0x81a4", 0}, {"100644\t", 0},
}

// TestModesAsGitReadsThem: ParseTree agrees with `git ls-tree` on every way to write a mode,
// and CheckTree with git fsck.
func TestModesAsGitReadsThem(t *testing.T) {
	repo := repository(t)
	ids := make(map[string]string)
	content := func(written string, read object.Mode) string {
		id := literal(t, repo, "blob", "x")
		if read == object.ModeDir {
			id = literal(t, repo, "tree", "")
		}
		raw, err := object.ParseID(id)
		if err != nil {
			t.Fatal(err)
		}
		return written + " name\x00" + string(raw.Bytes())
	}
	for _, m := range modes {
		c := content(m.written, m.read)
		ids[m.written] = literal(t, repo, "tree", c)
		entries, err := object.ParseTree(object.SHA1, []byte(c))
		out, gitErr := gittest.Git(repo, nil, "ls-tree", ids[m.written])
		if (err == nil) != (gitErr == nil) || (err == nil) != (m.read != 0) {
			t.Errorf("%q: %v; git: %v", m.written, err, gitErr)
			continue
		}
		if err != nil {
			continue
		}
		if want := fmt.Sprintf("%06o ", entries[0].Mode); entries[0].Mode != m.read || !strings.HasPrefix(out, want) {
			t.Errorf("%q is read as %s; git: %s", m.written, want, out)
		}
		var each object.Mode
		if err := object.EachID(object.SHA1, []byte(c), func(mode object.Mode, _ object.ID) { each = mode }); err != nil || each != m.read {
			t.Errorf("%q in history is read as %o: %v", m.written, each, err)
		}
	}
	faults := fsck(t, repo)
	for _, m := range modes {
		if m.read == 0 {
			continue
		}
		got, want := object.CheckTree(object.SHA1, []byte(content(m.written, m.read))), faults[ids[m.written]]
		// Like ls-tree, fsck reads sixteen bits, so it reports no fault in the others.
		if got != want && m.written != "1100644" {
			t.Errorf("%q: we say %q, git says %q", m.written, got, want)
		}
	}
}

// TestModesStillSort: an entry sorts as a directory if its mode is read as one, however the
// mode is written.
func TestModesStillSort(t *testing.T) {
	for _, mode := range []string{"40000", "040000", "40755"} {
		good := entry("100644", "a.b", 1) + entry(mode, "a", 2) + entry("100644", "a0", 3)
		if _, err := object.ParseTree(object.SHA1, []byte(good)); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		bad := entry(mode, "a", 1) + entry("100644", "a.b", 2)
		if _, err := object.ParseTree(object.SHA1, []byte(bad)); err == nil || !strings.Contains(err.Error(), "out of order") {
			t.Errorf("%s: %v", mode, err)
		}
		clash := bytes.Join([][]byte{[]byte(entry("100755", "a", 1)), []byte(entry("100600", "a-", 2)), []byte(entry(mode, "a", 3))}, nil)
		if _, err := object.ParseTree(object.SHA1, clash); err == nil || !strings.Contains(err.Error(), "both a file and a directory") {
			t.Errorf("%s: %v", mode, err)
		}
	}
	for _, mode := range []string{"120000", "0120000", "120777"} {
		if _, err := object.ParseTree(object.SHA1, []byte(entry(mode, ".gitmodules", 1))); err == nil || !strings.Contains(err.Error(), "where Git wants a file") {
			t.Errorf("%s: %v", mode, err)
		}
	}
}
