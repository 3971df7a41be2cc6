package remote

import (
	"context"
	"io"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/fetch/uploadpack"
)

// Session is a connection to git-upload-pack. Its calls end with the context that it
// was opened with.
type Session interface {
	// References asks for what the server advertises; name is one to keep beside
	// branches and tags.
	References(name string) (*uploadpack.References, error)
	// Ask sends a request, and returns the bytes of the answer.
	Ask(*uploadpack.Request) (io.Reader, error)
	// Ended returns what the server says of an end of the bytes that was no answer.
	Ended(error) error
	Close() error
}

// Open connects to a repository. Each wait for the server is counted by alive.
func Open(ctx context.Context, repo config.RepoURL, auth credential.Credentials, login credential.Login, alive *Pulse) (Session, error) {
	switch repo.Scheme {
	case config.File:
		if isFile(repo.Path) {
			return openBundle(ctx, repo.Path, alive)
		}
		return openLocal(ctx, repo.Path, alive)
	case config.SSH:
		return openSSH(ctx, repo, auth, alive)
	}
	return OpenWeb(ctx, repo, auth, login, alive)
}

// OpenWeb connects to a repository over https or http.
func OpenWeb(ctx context.Context, repo config.RepoURL, auth credential.Credentials, login credential.Login, alive *Pulse) (*Web, error) {
	tls, err := auth.TLS()
	if err != nil {
		return nil, err
	}
	return openWeb(ctx, repo, login, tls, alive)
}
