package remote

import (
	"context"
	"io"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/fetch/uploadpack"
)

// Session is a connection to git-upload-pack. Its calls end with the context that it was
// opened with.
type Session interface {
	// References asks for the references that the server advertises. It keeps branches,
	// tags and the reference called name.
	References(name string) (*uploadpack.References, error)
	// Ask sends a request, and returns the bytes of the answer.
	Ask(*uploadpack.Request) (io.Reader, error)
	// Ended returns what is known about an early end of the bytes, above all what the server
	// said. It returns all other errors as they are.
	Ended(err error) error
	Close() error
}

// Open connects to a repository. alive hears of each wait for the server.
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
