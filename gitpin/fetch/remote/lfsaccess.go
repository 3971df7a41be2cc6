package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/credential"
)

// CommandError is a command that failed on an SSH host.
type CommandError struct {
	Name    string
	Missing bool   // the host has no such command
	Status  int    // the exit status
	Said    string // what the command wrote to its standard error; may hold anything
}

func (e *CommandError) Error() string {
	if e.Missing {
		return "the SSH host has no " + e.Name + ", the command that says where Git LFS contents are"
	}
	text := fmt.Sprintf("the SSH host's %s ends with status %d", e.Name, e.Status)
	if e.Said != "" {
		text += "; it says: " + e.Said
	}
	return text
}

// noCommand is the exit status of a shell that does not find the program.
const noCommand = 127

var plainPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_./+-]+$`) })

// Authenticate runs the command called name, which is one of Git LFS, on the SSH host of a
// repository, and returns what it prints. The key and the known host keys are those of the
// fetch. It returns most+1 bytes if the command prints more than most. Errors are
// [*CommandError] and those of the connection.
func Authenticate(ctx context.Context, repo config.RepoURL, auth credential.Credentials, alive *Pulse, name string, most int64) ([]byte, error) {
	path := repo.Path
	if !plainPath().MatchString(path) { // git-lfs quotes no path, so a host may not expect quotes
		path = quote(path)
	}
	s, err := runSSH(ctx, repo, auth, alive, name+" "+path+" download")
	if err != nil {
		return nil, err
	}
	defer s.Close()
	s.stdin.Close()
	text, err := io.ReadAll(io.LimitReader(s.stdout, most+1))
	if err != nil || int64(len(text)) > most {
		return text, err
	}
	defer alive.Wait()()
	err = s.session.Wait()
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		said := s.stderr.line()
		missing := exit.ExitStatus() == noCommand || strings.Contains(said, name) && strings.Contains(said, "not found")
		return nil, &CommandError{name, missing, exit.ExitStatus(), said}
	}
	return text, err
}

// GuessLFS returns where git-lfs looks for the contents of a repository over SSH whose host
// does not say.
func GuessLFS(repo config.RepoURL) *url.URL {
	path := "/" + strings.TrimPrefix(strings.TrimSuffix(repo.Path, "/"), "/")
	return lfsBelow(&url.URL{Scheme: "https", Host: bracketed(repo.Host), Path: path})
}

// OpenNamed connects to an address that a repository's host or its tree names. The address is
// checked as that of a redirect is, and no credential goes along.
func OpenNamed(ctx context.Context, repo config.RepoURL, auth credential.Credentials, at *url.URL, alive *Pulse) (*Web, error) {
	tls, err := auth.Elsewhere().TLS()
	if err != nil {
		return nil, err
	}
	return newWeb(&Web{ctx: ctx, alive: alive, local: repo.Loopback(), origin: at, named: true}, tls)
}
