package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// gitPrograms are the only places where git is looked for; PATH has no say.
var gitPrograms = []string{"/usr/bin/git", "/usr/local/bin/git", "/bin/git"}

// localSession serves a repository on this machine through git's own
// upload-pack, run with an empty environment so that no GIT_ variable steers it.
// (go-git's file transport would look git up in PATH and pass the environment.)
type localSession struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.ReadCloser
}

func newLocalSession(ctx context.Context, path string) (*localSession, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return nil, transport.ErrRepositoryNotFound
	}
	git := ""
	for _, p := range gitPrograms {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			git = p
			break
		}
	}
	if git == "" {
		return nil, fmt.Errorf("a repository on this machine is served by git, which is not at %s", gitPrograms[0])
	}
	// Whoever owns the repository, its bytes are proven; upload-pack itself runs
	// nothing that a repository's configuration names.
	cmd := exec.CommandContext(ctx, git, "-c", "safe.directory=*", "upload-pack", "--strict", path)
	if _, err := os.Stat(path + "/.git"); err == nil {
		cmd.Args[len(cmd.Args)-1] = path + "/.git"
	}
	cmd.Env = []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C"}
	s := &localSession{cmd: cmd}
	var err error
	if s.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if s.stdout, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting git upload-pack: %w", err)
	}
	return s, nil
}

func (s *localSession) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	adv := packp.NewAdvRefs()
	if err := adv.Decode(s.stdout); err != nil {
		if errors.Is(err, packp.ErrEmptyInput) {
			return nil, transport.ErrRepositoryNotFound
		}
		if errors.Is(err, packp.ErrEmptyAdvRefs) {
			return nil, transport.ErrEmptyRemoteRepository
		}
		return nil, err
	}
	transport.FilterUnsupportedCapabilities(adv.Capabilities)
	return adv, nil
}

func (s *localSession) UploadPack(_ context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if err := req.UploadRequest.Encode(s.stdin); err != nil {
		return nil, err
	}
	if err := pktline.NewEncoder(s.stdin).EncodeString("done\n"); err != nil {
		return nil, err
	}
	if err := s.stdin.Close(); err != nil {
		return nil, err
	}
	res := packp.NewUploadPackResponse(req)
	return res, res.Decode(s.stdout)
}

// Close ends git, whatever it is doing.
func (s *localSession) Close() error {
	s.cmd.Process.Kill()
	s.cmd.Wait()
	return nil
}
