package worktree_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gitlauncher/gitpin/lfs"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/proof"
	"gitlauncher/gitpin/worktree"
	"gitlauncher/internal/gittest"
)

var launch = time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)

// disk is a proven checkout and its tree: a script, a file in a directory, and a symbolic link.
// Beside them is a directory that is not in the tree.
type disk struct {
	t    *testing.T
	dir  string
	tree *proof.Tree
	worktree.CheckParams
}

func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{t: t, dir: t.TempDir()}
	root, err := os.OpenRoot(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	d.must(os.Chmod(d.dir, 0o755), os.Mkdir(d.at("d"), 0o755), os.Chmod(d.at("d"), 0o755), os.Mkdir(d.at("beside"), 0o700), os.Symlink("a.sh", d.at("link")))
	d.write("a.sh", "echo one", 0o755)
	d.write("d/b", "two", 0o644)
	file := func(path string, mode object.Mode, content string) proof.File {
		return proof.File{Path: path, Mode: mode, ID: id(content)}
	}
	d.tree = &proof.Tree{
		Files:   []proof.File{file("a.sh", object.ModeExec, "echo one"), file("d/b", object.ModeFile, "two"), file("link", object.ModeSymlink, "a.sh")},
		Folders: []proof.Folder{{Path: "", Names: []string{"a.sh", "d", "link"}, Files: []int{0, 2}}, {Path: "d", Names: []string{"b"}, Files: []int{1}}},
	}
	d.CheckParams = worktree.CheckParams{Root: root, Beside: []string{"beside"}, MaxBytes: 15, Now: launch, NewHasher: object.SHA1.NewHasher}
	return d
}

func id(content string) object.ID { return object.SHA1.ID(gittest.ID("blob", []byte(content))) }

func (d *disk) at(name string) string { return filepath.Join(d.dir, name) }

func (d *disk) must(errs ...error) {
	d.t.Helper()
	if err := errors.Join(errs...); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) write(name, content string, mode os.FileMode) {
	d.t.Helper()
	d.must(os.WriteFile(d.at(name), []byte(content), mode), os.Chmod(d.at(name), mode))
}

// replace replaces what a path names.
func (d *disk) replace(name string, with func(path string) error) {
	d.t.Helper()
	d.must(os.RemoveAll(d.at(name)), with(d.at(name)))
}

// check checks the checkout. It calls between after it has checked the names, before it checks
// the contents.
func (d *disk) check(ctx context.Context, between func(d *disk)) ([]worktree.Stat, error) {
	c := worktree.NewChecker(d.CheckParams)
	defer c.Close()
	sizes, err := c.Layout(ctx, d.tree)
	if err != nil {
		return nil, err
	}
	if between != nil {
		between(d)
	}
	return c.Contents(ctx, d.tree, sizes, nil, nil)
}

func fifo(path string) error { return unix.Mkfifo(path, 0o644) }

func TestGoodCheckout(t *testing.T) {
	d := newDisk(t)
	stats, err := d.check(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range d.tree.Files {
		var st unix.Stat_t
		d.must(unix.Lstat(d.at(f.Path), &st))
		if st.Mtim.Nano() != launch.UnixNano() || stats[i].Ino != uint32(st.Ino) || stats[i].Size != uint32(st.Size) || stats[i].MtimeSec != uint32(launch.Unix()) || stats[i].MtimeNsec != 500 {
			t.Errorf("%s: %+v beside %+v", f.Path, stats[i], st)
		}
		if content := []string{"echo one", "two", "a.sh"}[i]; f.SHA256 != sha256.Sum256([]byte(content)) || f.LFS || f.Placed {
			t.Errorf("%s: %+v", f.Path, f)
		}
	}
	c := worktree.NewChecker(d.CheckParams)
	defer c.Close()
	if err := c.File(t.Context(), "d/b", "two"); err != nil {
		t.Error(err)
	}
	for path, content := range map[string]string{"d/b": "too", "d/c": "two", "link": "echo one", "a.sh": "echo one"} { // a.sh has another mode
		if err := c.File(t.Context(), path, content); !errors.Is(err, worktree.ErrChanged) {
			t.Errorf("%s with %q: %v", path, content, err)
		}
	}
}

// TestChanged: each change of a checkout is refused by its path and its fault, even if it is
// made after the names were checked and before the contents are.
// SECURITY.md: W1.
func TestChanged(t *testing.T) {
	for name, tc := range map[string]struct {
		before func(d *disk) // makes the change before the check; may be nil
		after  func(d *disk)
		says   string
	}{
		"a file more":                 {before: func(d *disk) { d.write("c", "", 0o644) }, says: `"" holds more or less than it should`},
		"a file more in a folder":     {before: func(d *disk) { d.write("d/c", "", 0o644) }, says: `"d" holds more or less than it should`},
		"a file less":                 {before: func(d *disk) { d.must(os.Remove(d.at("d/b"))) }, says: `"d" holds more or less than it should`},
		"a folder less":               {before: func(d *disk) { d.must(os.RemoveAll(d.at("d"))) }, says: "holds more or less than it should"},
		"nothing beside":              {before: func(d *disk) { d.must(os.Remove(d.at("beside"))) }, says: `"" holds more or less than it should`},
		"the root's mode":             {before: func(d *disk) { d.must(os.Chmod(d.dir, 0o775)) }, says: `"" has another mode or owner`},
		"a folder's mode":             {before: func(d *disk) { d.must(os.Chmod(d.at("d"), 0o700)) }, says: `"d" has another mode or owner`},
		"a folder's mode, on a mount": {before: func(d *disk) { d.MountRoot = true; d.must(os.Chmod(d.at("d"), 0o700)) }, says: `"d" has another mode or owner`},
		"a link for a folder":         {before: func(d *disk) { d.replace("d", func(p string) error { return os.Symlink("beside", p) }) }, says: `"d" is missing, or is not what it should be`},
		"a link for a file":           {before: func(d *disk) { d.replace("a.sh", func(p string) error { return os.Symlink("d/b", p) }) }, says: `"a.sh" is another kind of file`},
		"a file for a link":           {before: func(d *disk) { d.must(os.Remove(d.at("link"))); d.write("link", "a.sh", 0o644) }, says: `"link" is another kind of file`},
		"a folder for a file":         {before: func(d *disk) { d.replace("d/b", func(p string) error { return os.Mkdir(p, 0o755) }) }, says: `"d/b" is another kind of file`},
		"a pipe":                      {before: func(d *disk) { d.replace("d/b", fifo) }, says: `"d/b" is another kind of file`},
		"larger than may be":          {before: func(d *disk) { d.MaxBytes = 14 }, says: `"link" makes the checkout larger than a tree may be`},
		"a content":                   {before: func(d *disk) { d.write("d/b", "too", 0o644) }, says: `"d/b" has other content`},
		"a longer content":            {before: func(d *disk) { d.MaxBytes++; d.write("d/b", "twoo", 0o644) }, says: `"d/b" has other content`},
		"no content":                  {before: func(d *disk) { d.write("d/b", "", 0o644) }, says: `"d/b" has other content`},
		"a file's mode":               {before: func(d *disk) { d.must(os.Chmod(d.at("d/b"), 0o664)) }, says: `"d/b" has another mode or owner`},
		"a script that can't be run":  {before: func(d *disk) { d.must(os.Chmod(d.at("a.sh"), 0o644)) }, says: `"a.sh" has another mode or owner`},
		"a set-user-id file":          {before: func(d *disk) { d.must(os.Chmod(d.at("a.sh"), 0o755|os.ModeSetuid)) }, says: `"a.sh" has another mode or owner`},
		"a link elsewhere":            {before: func(d *disk) { d.replace("link", func(p string) error { return os.Symlink("b.sh", p) }) }, says: `"link" leads elsewhere`},
		"a second name":               {before: func(d *disk) { d.must(os.Link(d.at("d/b"), d.at("beside/x"))) }, says: `"d/b" is not a plain file of its own`},
		"a second name, meanwhile":    {after: func(d *disk) { d.must(os.Link(d.at("a.sh"), d.at("beside/x"))) }, says: `"a.sh" is not a plain file of its own`},
		"a pipe, meanwhile":           {after: func(d *disk) { d.replace("d/b", fifo) }, says: `"d/b" is not a plain file of its own`},
		"a folder, meanwhile":         {after: func(d *disk) { d.replace("d/b", func(p string) error { return os.Mkdir(p, 0o644) }) }, says: `"d/b" is not a plain file of its own`},
		"a longer file, meanwhile":    {after: func(d *disk) { d.write("d/b", "two or more", 0o644) }, says: `"d/b" is not a plain file of its own`},
		"a shorter file, meanwhile":   {after: func(d *disk) { d.write("d/b", "tw", 0o644) }, says: `"d/b" is not a plain file of its own`},
		"a link, meanwhile":           {after: func(d *disk) { d.replace("d/b", func(p string) error { return os.Symlink("../a.sh", p) }) }, says: `"d/b" is missing, or is not what it should be`},
		"no link, meanwhile":          {after: func(d *disk) { d.must(os.Remove(d.at("link"))) }, says: `"link" is missing, or is not what it should be`},
		"a longer link, meanwhile":    {after: func(d *disk) { d.replace("link", func(p string) error { return os.Symlink("a.sh/", p) }) }, says: `"link" leads elsewhere`},
		"a folder gone, meanwhile":    {after: func(d *disk) { d.must(os.RemoveAll(d.at("d"))) }, says: `"d/b" is missing, or is not what it should be`},
		"a folder is a link, meanwhile": {after: func(d *disk) {
			d.must(os.Rename(d.at("d"), d.at("beside/d")), os.Symlink("beside/d", d.at("d")))
		}, says: `"d/b" is missing, or is not what it should be`},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			if tc.before != nil {
				tc.before(d)
			}
			if _, err := d.check(t.Context(), tc.after); !errors.Is(err, worktree.ErrChanged) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v; want %q", err, tc.says)
			}
		})
	}
	d := newDisk(t)
	d.MountRoot = true
	d.must(os.Chmod(d.dir, 0o1777))
	if _, err := d.check(t.Context(), nil); err != nil {
		t.Errorf("the root of a mount, with a mode of its own: %v", err)
	}
	// A file for a link, meanwhile: that is nothing that a disk does, but an error it is.
	var at *os.PathError
	if _, err := newDisk(t).check(t.Context(), func(d *disk) { d.must(os.Remove(d.at("link"))); d.write("link", "a.sh", 0o644) }); !errors.As(err, &at) || at.Path != "link" || at.Err != unix.EINVAL {
		t.Errorf("a file for a link: %v", err)
	}
	stop := errors.New("a signal")
	ctx, cancel := context.WithCancelCause(t.Context())
	if _, err := newDisk(t).check(ctx, func(*disk) { cancel(stop) }); !errors.Is(err, stop) {
		t.Errorf("after a signal: %v", err)
	}
}

// TestPlacedContents: with LFS, a file must hold the content that its pointer names, not the
// pointer, and be older than everything else. Without LFS, the file is the pointer.
func TestPlacedContents(t *testing.T) {
	const content = "a large file"
	sum := sha256.Sum256([]byte(content))
	pointer := string(lfs.Pointer{SHA256: sum, Size: int64(len(content))}.Bytes())
	padded := func(size int) string { return pointer + strings.Repeat("x", size-len(pointer)) }
	for name, tc := range map[string]struct {
		blob, there string
		lfs         bool
		placed      bool
		says        string
	}{
		"a content in its pointer's place": {pointer, content, true, true, ""},
		"another content":                  {pointer, "another file", true, false, "has other content"},
		"a longer content":                 {pointer, content + "s", true, false, "has other content"},
		"a pointer":                        {pointer, pointer, true, false, "is a Git LFS pointer, whose content is wanted"},
		"a pointer, without LFS":           {pointer, pointer, false, false, ""},
		"a content, without LFS":           {pointer, content, false, false, "has other content"},
		"a file":                           {content, content, true, false, ""},
		"the largest that may be one":      {padded(1023), padded(1023), true, false, "is a Git LFS pointer, whose content is wanted"},
		"what only begins like a pointer":  {padded(1024), padded(1024), true, false, ""},
	} {
		d := newDisk(t)
		d.LFS, d.MaxBytes = tc.lfs, 1<<20
		d.write("d/b", tc.there, 0o644)
		d.tree.Files[1].ID = id(tc.blob)
		_, err := d.check(t.Context(), nil)
		if tc.says == "" && err != nil || tc.says != "" && (!errors.Is(err, worktree.ErrChanged) || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("%s: %v; want %q", name, err, tc.says)
			continue
		}
		if tc.says != "" {
			continue
		}
		info, err := os.Stat(d.at("d/b"))
		d.must(err)
		want := launch
		if tc.placed {
			want = launch.Add(-2 * time.Second)
		}
		f := d.tree.Files[1]
		if f.Placed != tc.placed || f.Placed && f.Size != int64(len(content)) || f.LFS != (strings.HasPrefix(tc.there, "version ")) || !info.ModTime().Equal(want) {
			t.Errorf("%s: %+v, of %s", name, f, info.ModTime())
		}
	}
}
