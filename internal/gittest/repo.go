// Package gittest runs real Git servers that misbehave on demand, for tests: smart HTTP
// through `git http-backend`, and SSH through sshd. It makes repositories that are the
// same on every machine. It needs git on the machine.
//
// It is only for tests and the demo: arch_test.go keeps it out of the programs.
package gittest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Env returns an environment in which git does the same on every machine.
func Env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Author", "GIT_AUTHOR_EMAIL=author@example.org", "GIT_AUTHOR_DATE=2024-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=Author", "GIT_COMMITTER_EMAIL=author@example.org", "GIT_COMMITTER_DATE=2024-01-02T03:04:05Z",
	}
}

// Git runs git in a directory and returns its output, trimmed.
func Git(dir string, stdin []byte, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-c", "init.defaultBranch=main", "-c", "safe.directory=*"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, Env(), bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return strings.TrimRight(string(out), "\n"), nil
}

// File is one file of a commit.
type File struct {
	Path    string
	Mode    string // "100644", "100755", "120000" or "160000"; empty is 100644
	Content string // for 160000 the commit's id
}

// Repo is a bare repository on disk.
type Repo struct{ Dir string }

// SHA256 is an option of git init.
const SHA256 = "--object-format=sha256"

// NewRepo makes an empty bare repository, with options of git init. Like Git's default,
// it serves only what it advertises.
func NewRepo(dir string, options ...string) (*Repo, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if _, err := Git(dir, nil, append([]string{"init", "-q", "--bare", "."}, options...)...); err != nil {
		return nil, err
	}
	return &Repo{dir}, nil
}

// Commit adds a commit with exactly these files on top of a branch, and returns its id.
func (r *Repo) Commit(branch, message string, files ...File) (string, error) {
	const who = "Author <author@example.org> 1704164645 +0000"
	var in bytes.Buffer
	ref := "refs/heads/" + branch
	fmt.Fprintf(&in, "commit %s\nauthor %s\ncommitter %s\ndata %d\n%s\n\n", ref, who, who, len(message)+1, message)
	if _, err := Git(r.Dir, nil, "rev-parse", "-q", "--verify", ref); err == nil {
		fmt.Fprintf(&in, "from %s^0\n", ref)
	}
	in.WriteString("deleteall\n")
	for _, f := range files {
		writeFile(&in, f)
	}
	if _, err := Git(r.Dir, in.Bytes(), "fast-import", "--quiet", "--force"); err != nil {
		return "", err
	}
	return Git(r.Dir, nil, "rev-parse", ref)
}

// writeFile writes the line, or the lines, that git fast-import takes for a file.
func writeFile(w *bytes.Buffer, f File) {
	mode := f.Mode
	if mode == "" {
		mode = "100644"
	}
	path := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(f.Path) + `"`
	if mode == "160000" {
		fmt.Fprintf(w, "M 160000 %s %s\n", f.Content, path)
		return
	}
	fmt.Fprintf(w, "M %s inline %s\ndata %d\n%s\n", mode, path, len(f.Content), f.Content)
}

// Config sets a configuration variable of the repository.
func (r *Repo) Config(key, value string) error {
	_, err := Git(r.Dir, nil, "config", key, value)
	return err
}

// Sample is a workload repository for the demo and the behaviour tests.
type Sample struct {
	*Repo
	First, Head string // commits on main
	Tag         string // id of the annotated tag v1 on Head
}

const sampleScript = `echo "workload: running commit $GIT_LAUNCHER_COMMIT"
echo "workload: from $GIT_LAUNCHER_REPO_URL in $PWD"
echo "workload: message is $(cat data/message.txt)"
`

// NewSample makes the sample repository, with options of git init.
func NewSample(dir string, options ...string) (*Sample, error) {
	r, err := NewRepo(dir, options...)
	if err != nil {
		return nil, err
	}
	s := &Sample{Repo: r}
	if s.First, err = r.Commit("main", "first", File{Path: "entrypoint.sh", Content: "echo workload: the first commit\n"}); err != nil {
		return nil, err
	}
	s.Head, err = r.Commit("main", "second",
		File{Path: "entrypoint.sh", Content: sampleScript},
		File{Path: "app/entrypoint.sh", Content: "echo \"workload: app in $PWD\"\n"},
		File{Path: "app/other.sh", Content: "echo workload: other \"$0\"\n"},
		File{Path: "bin/tool", Mode: "100755", Content: "#!/bin/sh\necho tool\n"},
		File{Path: "data/message.txt", Content: "hello from the pinned commit\n"},
		File{Path: "data/binary", Content: "\x00\x01\xff\xfe\r\n"},
		File{Path: "link.sh", Mode: "120000", Content: "entrypoint.sh"},
		File{Path: "linked", Mode: "120000", Content: "app"},
	)
	if err != nil {
		return nil, err
	}
	if _, err = Git(dir, nil, "tag", "-a", "-m", "version 1", "v1", s.Head); err != nil {
		return nil, err
	}
	s.Tag, err = Git(dir, nil, "rev-parse", "refs/tags/v1")
	return s, err
}
