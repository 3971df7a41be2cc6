package gitpin

import (
	"errors"
	"path/filepath"
	"testing"

	"gitlauncher/gitpin/gitdir"
	"gitlauncher/gitpin/workdir"
	"gitlauncher/gitpin/worktree"
)

// TestPartGone: a part whose directory is gone when its files are to be compared is a
// changed checkout, which is fetched again.
func TestPartGone(t *testing.T) {
	dir, err := workdir.Open(filepath.Join(t.TempDir(), "work"), func(workdir.Move) {})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	r := &restart{params: &Params{part: part{path: "vendor/lib"}}, dir: dir}
	if _, err := r.agree(t.Context(), nil, gitdir.Place{}, nil, nil); !errors.Is(err, worktree.ErrChanged) {
		t.Errorf("%v", err)
	}
}
