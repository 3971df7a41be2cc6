package worktree

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/proof"
	"gitlauncher/internal/gittest"
)

// TestHash: a file that is shorter than its size was, or that can't be read, is refused.
func TestHash(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	if err := os.WriteFile(name, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	c := NewChecker(CheckParams{Root: root, Now: time.Now(), NewHasher: object.SHA1.NewHasher})
	defer c.Close()
	hash := func(ctx context.Context, of *os.File, content string) error {
		f := proof.File{Path: "f", Mode: object.ModeFile, ID: object.SHA1.ID(gittest.ID("blob", []byte(content)))}
		return c.workers.use(func(w *checkWorker) error { return w.hash(ctx, int(of.Fd()), &f, int64(len(content)), nil) })
	}
	open := func(name string) *os.File {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	stop := errors.New("a signal")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	for what, tc := range map[string]struct {
		ctx     context.Context
		of      *os.File
		content string
		changed bool
		want    error
	}{
		"the content":         {t.Context(), open(name), "content", false, nil},
		"its beginning":       {t.Context(), open(name), "con", false, nil}, // its caller compares the size before and after
		"a file that is less": {t.Context(), open(name), "content and more", true, nil},
		"another content":     {t.Context(), open(name), "contend", true, nil},
		"a folder":            {t.Context(), open(dir), "content", false, os.ErrInvalid},
		"after a signal":      {ended, open(name), "content", false, stop},
	} {
		err := hash(tc.ctx, tc.of, tc.content)
		var disk *os.PathError
		switch {
		case tc.changed && errors.Is(err, ErrChanged), tc.want == stop && err == stop, tc.want == os.ErrInvalid && errors.As(err, &disk), !tc.changed && tc.want == nil && err == nil:
		default:
			t.Errorf("%s: %v", what, err)
		}
	}
}
