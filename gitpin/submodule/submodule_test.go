package submodule

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
)

const commitHex = "0123456789abcdef0123456789abcdef01234567"

func base(t testing.TB, url string) config.RepoURL {
	t.Helper()
	u, err := config.ParseRepoURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func links(t testing.TB, paths ...string) (all []Gitlink) {
	t.Helper()
	id, err := object.ParseID(commitHex)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		all = append(all, Gitlink{p, id})
	}
	return all
}

const good = "[submodule \"n\"]\n\tpath = a\n\turl = ../n.git\n"

// TestPlan: which parts of .gitmodules count, and which do not.
// SECURITY.md: M1.
func TestPlan(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"as git writes it":               {good, "n a https://h/o/n.git"},
		"CRLF":                           {strings.ReplaceAll(good, "\n", "\r\n"), "n a https://h/o/n.git"},
		"a byte-order mark":              {"\xef\xbb\xbf" + good, "n a https://h/o/n.git"},
		"no line feed at the end":        {strings.TrimSuffix(good, "\n"), "n a https://h/o/n.git"},
		"all on one line":                {"[submodule \"n\"] path = a\nurl=../n.git", "n a https://h/o/n.git"},
		"quotes, escapes and comments":   {"[submodule \"n\"] ; x\n path = \"a\" # y\n url = \"../n.g\"i\"t\";z\n", "n a https://h/o/n.git"},
		"a joined line":                  {"[submodule \"n\"]\npath = a\nurl = ../n\\\n.git\n", "n a https://h/o/n.git"},
		"an escaped name":                {"[submodule \"q\\\"\\\\x\"]\npath = a\nurl = ../n.git\n", `q"\x a https://h/o/n.git`},
		"capitals":                       {"[SubModule \"N\"]\nPATH = a\nUrl = ../n.git\n", "N a https://h/o/n.git"},
		"the old form":                   {"[submodule.N]\npath = a\nurl = ../n.git\n", "n a https://h/o/n.git"},
		"two sections of one name":       {"[submodule \"n\"]\npath = a\n[x]\nurl = evil\n[submodule \"n\"]\nurl = ../n.git\n", "n a https://h/o/n.git"},
		"keys of no consequence":         {good + "branch = .\nshallow\nignore = all\nfetchRecurseSubmodules = no\nupdate = checkout\n", "n a https://h/o/n.git"},
		"git leaves it out":              {good + "update = none\n", ""},
		"an include":                     {good + "[include]\npath = /etc/evil\n[includeIf \"gitdir:/\"]\npath = x\n", "n a https://h/o/n.git"},
		"an entry of no gitlink":         {good + "[submodule \"../../x\"]\npath = ../../y\nurl = ext::sh -c id\n", "n a https://h/o/n.git"},
		"an entry inside another's path": {good + "[submodule \"m\"]\npath = a/b\nurl = ../m.git\n", "n a https://h/o/n.git"},
		"another host":                   {strings.Replace(good, "../n.git", "https://other/x.git", 1), "n a https://other/x.git"},
		"ssh":                            {strings.Replace(good, "../n.git", "git@other:x.git", 1), "n a git@other:x.git"},
	} {
		got, err := Plan(links(t, "a"), []byte(c.text), base(t, "https://h/o/r.git"))
		text := ""
		for _, l := range got {
			text += fmt.Sprintf("%s %s %s", l.Name, l.Path, l.Repo)
		}
		if err != nil || text != c.want {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

// TestRefused: each submodule that can't be fetched is refused by its reason.
// SECURITY.md: M1.
func TestRefused(t *testing.T) {
	named := func(name string) string {
		return "[submodule \"" + name + "\"]\npath = a\nurl = ../n.git\n"
	}
	from := func(url string) string { return strings.Replace(good, "../n.git", url, 1) }
	for name, c := range map[string]struct{ text, reason string }{
		"no .gitmodules":          {"", "has no entry"},
		"an entry of another one": {strings.Replace(good, "= a", "= b", 1), "has no entry"},
		"a slash behind the path": {strings.Replace(good, "= a", "= a/", 1), "has no entry"},
		"a path that leads there": {strings.Replace(good, "= a", "= b/../a", 1), "has no entry"},
		"two entries":             {good + named("m"), "more than one entry"},
		"path twice":              {good + "path = b\n", "its path more than once"},
		"path twice, b first":     {strings.Replace(good, "path = a", "path = b\npath = a", 1), "its path more than once"},
		"path twice, the same":    {good + "path = a\n", "its path more than once"},
		"url twice":               {good + "[submodule \"n\"]\nurl = ../m.git\n", "its url more than once"},
		"update twice":            {good + "update = none\nupdate = checkout\n", "its update more than once"},
		"a command to update":     {good + "update = !id\n", "has an update in .gitmodules"},
		"no url":                  {"[submodule \"n\"]\npath = a\n", "has no url"},
		"an empty url":            {from(""), "is empty"},
		"name: ..":                {named(".."), "leads elsewhere"},
		"name: ../x":              {named("../x"), "leads elsewhere"},
		"name: x/../../y":         {named("x/../../y"), "leads elsewhere"},
		"name: x/..":              {named("x/.."), "leads elsewhere"},
		"name: ..\\x":             {named("..\\\\x"), "leads elsewhere"},
		"name: x/./y":             {named("x/./y"), "leads elsewhere"},
		"name: x/.git":            {named("x/.GIT"), "leads elsewhere"},
		"name: git~1":             {named("git~1"), "leads elsewhere"},
		"name: empty":             {named(""), "is empty"},
		"name: absolute":          {named("/etc"), "an empty component"},
		"name: x//y":              {named("x//y"), "an empty component"},
		"name: x/":                {named("x/"), "an empty component"},
		"name: a control":         {named("x\x01"), "has a control character"},
		"name: not UTF-8":         {named("x\xff"), "is not UTF-8"},
		"name: too long":          {named(strings.Repeat("x", maxName+1)), "is longer than"},
		"url: an option":          {from("-u./payload"), "begins with a dash"},
		"url: --upload-pack":      {from("--upload-pack=id"), "begins with a dash"},
		"url: ssh option":         {from("ssh://-oProxyCommand=id/x"), "names no host"},
		"url: ext":                {from("ext::sh -c id"), "names a transport helper"},
		"url: file":               {from("file:///etc"), "is a path on this machine"},
		"url: a path":             {from("/srv/x.git"), "is a path on this machine"},
		"url: a relative path":    {from("x/y.git"), "is not https://"},
		"url: .. alone":           {from(".."), "is not https://"},
		"url: http":               {from("http://h/x.git"), "is weaker"},
		"url: git":                {from("git://h/x.git"), "has a scheme that is not supported"},
		"url: a password":         {from("https://u:p4ss@h/x.git"), "holds a credential"},
		"url: a token":            {from("https://ghp_0123456789012345678901234567890123456@h/x.git"), "holds a credential"},
		"url: a line feed":        {from("\"https://h/x\\ny\""), "is not a well-formed URL"},
		"url: too far up":         {from("../../../../../../../x"), "leads out"},
		"url: up to the scheme":   {from("../../../../x"), "is not https://"},
		"url: no host left":       {from("../../../x"), "names no repository"},
		"url: no path left":       {from("../../"), "names no repository"},
		"a NUL byte":              {good + "\x00", "has a NUL byte"},
		"no value":                {"[submodule \"n\"]\npath\n", "a path without a value"},
		"no section":              {"[submodule \"n\"\n", "malformed section header"},
		"no quote":                {"[submodule n]\n", "without quotes"},
		"no end":                  {"[submodule \"n\n", "does not end"},
		"an open quote":           {"[submodule \"n\"]\npath = \"a\n", "a quote that does not end"},
		"an unknown escape":       {"[submodule \"n\"]\npath = \\x61\n", "an escape that Git does not know"},
		"junk":                    {good + "!\n", "a character that no name begins with"},
		"junk behind a name":      {good + "a:b\n", "something other than ="},
	} {
		got, err := Plan(links(t, "a"), []byte(c.text), base(t, "https://h/o/r.git"))
		var fault *Error
		if !errors.As(err, &fault) || !strings.Contains(fault.Error(), c.reason) || got != nil || strings.Contains(err.Error(), "p4ss") || strings.Contains(err.Error(), "ghp_") {
			t.Errorf("%s: %v, %v; not %q", name, got, err, c.reason)
		}
	}
}

// TestPaths: a path is refused if a launch record can't name it, or if a program would take
// it for an option.
func TestPaths(t *testing.T) {
	for path, reason := range map[string]string{"a\nb": "launch record", "a\xff": "launch record", "-a": "begins with a dash"} {
		entry := "[submodule \"n\"]\npath = \"" + strings.ReplaceAll(path, "\n", `\n`) + "\"\nurl = ../n.git\n"
		if _, err := Plan(links(t, path), []byte(entry), base(t, "https://h/r.git")); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// TestApart: a submodule's Git directory can't be inside another one's, where it could
// replace hooks or objects.
// SECURITY.md: M1.
func TestApart(t *testing.T) {
	two := func(a, b string) string {
		return "[submodule \"" + a + "\"]\npath = a\nurl = ../n.git\n[submodule \"" + b + "\"]\npath = b\nurl = ../n.git\n"
	}
	for _, c := range []struct {
		a, b string
		ok   bool
	}{{"x", "y", true}, {"x", "xy", true}, {"x/y", "x/z", true}, {"x", "x/hooks", false}, {"x/a/b", "x", false}, {"x", "x/modules/y", false}} {
		_, err := Plan(links(t, "a", "b"), []byte(two(c.a, c.b)), base(t, "https://h/r.git"))
		var fault *Error
		if c.ok != (err == nil) || !c.ok && (!errors.As(err, &fault) || !strings.Contains(err.Error(), "would be inside that of")) {
			t.Errorf("%s and %s: %v", c.a, c.b, err)
		}
	}
}

// TestNameLimit: a name may have 200 bytes. One more is refused.
func TestNameLimit(t *testing.T) {
	for more := range 2 {
		text := "[submodule \"" + strings.Repeat("x", maxName+more) + "\"]\npath = a\nurl = ../n.git\n"
		_, err := Plan(links(t, "a"), []byte(text), base(t, "https://h/o/r.git"))
		if (err == nil) != (more == 0) || err != nil && !strings.Contains(err.Error(), "is longer than 200 bytes") {
			t.Errorf("%d bytes: %v", maxName+more, err)
		}
	}
}

// TestSize: .gitmodules may have 1 MiB. One byte more is refused.
func TestSize(t *testing.T) {
	for more := range 2 {
		text := good + strings.Repeat("#", MaxSize-len(good)+more)
		_, err := Plan(links(t, "a"), []byte(text), base(t, "https://h/o/r.git"))
		if (err == nil) != (more == 0) || err != nil && !strings.Contains(err.Error(), "is larger than 1 MiB") {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
}

// TestRelative: relative addresses are resolved as by `git submodule init`.
func TestRelative(t *testing.T) {
	texts := []string{"../x.git", "./x.git", "../../x", "../../../x/y", "../x/", "./../x", ".././x", "../", "./", "../a/../b", "..//x", "../:x", "../..", "../.x"}
	for _, remote := range []string{
		"https://h/o/r.git", "https://h/o/r.git/", "https://me@h:8443/r", "ssh://git@h/~u/r.git", "git@h:o/r.git", "git@h:a/b/r.git", "h.example:o/r", "git@[::1]:o/r.git", "http://h/a%20b/r",
	} {
		for text, want := range gitResolves(t, remote, texts...) {
			if got, ok := relative(remote, text); !ok || got != want {
				t.Errorf("%s from %s: %q, %t; git %q", text, remote, got, ok, want)
			}
		}
	}
	const most, remote = "../../../x", "git@h:r.git"
	if got := gitResolves(t, remote, most); got != nil {
		t.Errorf("git resolves %s from %s to %s", most, remote, got)
	}
	if got, ok := relative(remote, most); ok {
		t.Errorf("%s from %s: %s", most, remote, got)
	}
}

// gitResolves returns what git resolves each text to, or nil if git refuses one.
func gitResolves(t *testing.T, remote string, texts ...string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		out, err := gittest.Git(dir, nil, args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	git("init", "-q", ".")
	git("config", "remote.origin.url", remote)
	var file strings.Builder
	cache := []string{"update-index", "--add"}
	for i, text := range texts {
		fmt.Fprintf(&file, "[submodule \"n%d\"]\npath = p%d\nurl = %s\n", i, i, text)
		cache = append(cache, "--cacheinfo", fmt.Sprintf("160000,%s,p%d", commitHex, i))
	}
	if err := os.WriteFile(filepath.Join(dir, ".gitmodules"), []byte(file.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	git("add", ".gitmodules")
	git(cache...)
	if _, err := gittest.Git(dir, nil, "submodule", "--quiet", "init"); err != nil {
		return nil
	}
	resolved := make(map[string]string)
	for i, text := range texts {
		resolved[text] = git("config", fmt.Sprintf("submodule.n%d.url", i))
	}
	return resolved
}

// gitReads returns git's list of the variables in a file. ok is false if git can't read it.
func gitReads(t testing.TB, content []byte) (vars string, ok bool) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "c")
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("git", "config", "-f", file, "--no-includes", "--list", "-z")
	cmd.Env = gittest.Env()
	out, err := cmd.Output()
	return string(out), err == nil
}

// list returns the same list as gitReads, by the scanner of this package.
func list(content []byte) (vars string, ok bool) {
	s := &scanner{rest: bytes.ReplaceAll(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")), []byte("\r\n"), []byte("\n"))}
	for {
		key, value, err := s.variable()
		if err != nil || key == "" {
			return vars, err == nil
		}
		if vars += key; value != nil {
			vars += "\n" + string(value)
		}
		vars += "\x00"
	}
}

// FuzzGitmodules: this package reads what git reads, and refuses what git refuses. Tabs and
// other rare blanks are left out, because versions of git read them differently.
func FuzzGitmodules(f *testing.F) {
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1000 || bytes.ContainsAny(content, "\x00\t\v\f") || bytes.Contains(bytes.ReplaceAll(content, []byte("\r\n"), nil), []byte("\r")) {
			return
		}
		want, ok := gitReads(t, content)
		got, mine := list(content)
		if mine && !ok {
			t.Errorf("git can't read %q, and this is read: %q", content, got)
		}
		if mine && got != want {
			t.Errorf("%q: read as %q, and by git as %q", content, got, want)
		}
		if !mine && ok {
			t.Errorf("%q: refused, and read by git as %q", content, want)
		}
		_, _ = Plan(links(t, "a"), content, base(t, "https://h/o/r.git"))
	})
}
