package remote

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/credential"
)

// TestNoLocalRepository: a path on this machine is opened where there is a directory, with
// or without .git behind it, and nowhere else.
func TestNoLocalRepository(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"r", "s.git"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, there := range map[string]bool{"r": true, "s": true, "s.git": true, "t": false, "r.git": false} {
		repo, err := config.ParseRepoURL("file://" + dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		session, err := Open(t.Context(), repo, credential.Credentials{}, credential.Login{}, NewPulse(time.Minute, func() {}))
		if there != (err == nil) || !there && !errors.Is(err, ErrNoRepository) {
			t.Errorf("%s: %v", name, err)
		}
		if session != nil && err == nil {
			session.Close()
		}
	}
}
