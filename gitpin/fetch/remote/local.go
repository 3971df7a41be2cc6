package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"gitlauncher/gitpin/fetch/answer"
	"gitlauncher/gitpin/fetch/uploadpack"
)

// gitPrograms are the only paths at which git is looked for. PATH does not count.
var gitPrograms = []string{"/usr/bin/git", "/usr/local/bin/git", "/bin/git"}

// ErrNoRepository means that a path on this machine leads to no repository.
var ErrNoRepository = errors.New("there is no repository at that path")

// local is a repository on this machine, served by git's own upload-pack. None of the
// launcher's own environment reaches it, so that no GIT_ variable steers it.
type local struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.Reader
	stderr words
}

func openLocal(ctx context.Context, path string, alive *Pulse) (*local, error) {
	git := ""
	for _, p := range gitPrograms {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			git = p
			break
		}
	}
	if git == "" {
		return nil, &NoGitError{gitPrograms[0]}
	}
	// Git, too, takes /srv/r for /srv/r.git.
	if !isDir(path) && !isDir(path+".git") {
		return nil, ErrNoRepository
	}
	// It does not matter who owns the repository. Its bytes are proven, and upload-pack runs
	// nothing that a repository's configuration names.
	cmd := exec.CommandContext(ctx, git, "-c", "safe.directory=*", "upload-pack", path)
	cmd.Env = []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C"}
	cmd.WaitDelay = time.Second
	s := &local{cmd: cmd}
	cmd.Stderr = &s.stderr
	var err error
	if s.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.stdout = alive.reader(stdout)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting git upload-pack: %w", err)
	}
	return s, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (s *local) References(name string) (*uploadpack.References, error) {
	refs, err := uploadpack.ReadReferences(s.stdout, name)
	return refs, s.Ended(err)
}

func (s *local) Ask(req *uploadpack.Request) (io.Reader, error) {
	_, err := s.stdin.Write(req.Encode())
	if err = errors.Join(err, s.stdin.Close()); err != nil {
		return nil, s.Ended(io.ErrUnexpectedEOF)
	}
	return s.stdout, nil
}

// Ended returns what git said on its standard error if err is an early end of the bytes.
func (s *local) Ended(err error) error {
	if err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	s.cmd.Wait() // its standard error is complete then
	return &answer.EndedError{Said: s.stderr.line()}
}

// Close kills git, whatever it is doing.
func (s *local) Close() error {
	s.cmd.Process.Kill()
	s.cmd.Wait()
	return nil
}

// maxWords is how many bytes of a program's words are kept.
const maxWords = 4 << 10

// words keeps the first maxWords bytes that a program writes to its standard error.
type words struct {
	mu   sync.Mutex
	text []byte
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if room := maxWords - len(w.text); room > 0 {
		w.text = append(w.text, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// line returns the words as one line.
func (w *words) line() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for line := range bytes.Lines(w.text) {
		if l := strings.TrimSpace(string(line)); l != "" {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, " ")
}

// NoGitError means that git, which serves repositories on this machine, is not installed.
type NoGitError struct{ Path string }

func (e *NoGitError) Error() string {
	return "a repository on this machine is served by git, which is not installed: there is no " + e.Path
}
