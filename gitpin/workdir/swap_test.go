package workdir

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// site is a WORK_DIR with an old file, and beside or inside it a control directory with a
// new checkout.
func site(t *testing.T, inside bool) (d *Dir, dir string, moved *[]Move) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "work")
	must(t, os.MkdirAll(filepath.Join(dir, "both"), 0o755), os.WriteFile(filepath.Join(dir, "old"), nil, 0o644), os.WriteFile(filepath.Join(dir, "both/old"), nil, 0o644))
	moved = new([]Move)
	halfway := func(m Move) { *moved = append(*moved, m) }
	d, err := Open(dir, halfway)
	must(t, err)
	if inside { // as where the parent can't be written
		d.Close()
		root, err := os.OpenRoot(dir)
		must(t, err)
		d = &Dir{path: dir, root: root, tree: ".", control: ControlName, inside: true, halfway: halfway}
	}
	t.Cleanup(d.Close)
	must(t, d.makeControl())
	draft := d.at(d.inControl(newName))
	must(t, os.MkdirAll(filepath.Join(draft, "both"), 0o755), os.WriteFile(filepath.Join(draft, "new"), nil, 0o644), os.WriteFile(filepath.Join(draft, "both/new"), nil, 0o644))
	return d, dir, moved
}

// at is the path of a name below the directory that holds all of it.
func (d *Dir) at(name string) string { return filepath.Join(d.root.Name(), name) }

// list lists what is in a directory, without the control directory.
func list(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	must(t, filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
		rel, _ := filepath.Rel(dir, p)
		if rel == ControlName {
			return filepath.SkipDir
		}
		if err == nil && !info.IsDir() {
			names = append(names, rel)
		}
		return err
	}))
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestSwap: afterwards all is new, nothing is old, and nothing is left of it.
func TestSwap(t *testing.T) {
	for _, inside := range []bool{false, true} {
		d, dir, moved := site(t, inside)
		if err := d.Swap(); err != nil {
			t.Fatalf("inside %v: %v", inside, err)
		}
		left, err := d.names(d.control)
		if got := list(t, dir); got != "both/new new" || err != nil || len(left) > 0 {
			t.Errorf("inside %v: %s, and %q is left: %v", inside, got, left, err)
		}
		if inside && !slices.Equal(*moved, []Move{MoveOut, MoveIn}) || !inside && len(*moved) > 0 {
			t.Errorf("inside %v: moved %q", inside, *moved)
		}
	}
	d, dir, _ := site(t, false)
	must(t, os.RemoveAll(dir))
	if err := d.Swap(); err != nil || list(t, dir) != "both/new new" {
		t.Errorf("without WORK_DIR: %v", err)
	}
	for _, inside := range []bool{false, true} {
		d, dir, _ := site(t, inside)
		must(t, os.RemoveAll(d.at(d.inControl(newName))))
		if err := d.Swap(); !errors.Is(err, os.ErrNotExist) || list(t, dir) != "both/old old" {
			t.Errorf("inside %v, without a draft: %v, %s", inside, err, list(t, dir))
		}
	}
}

// TestTidy: a swap that a kill cut short is finished, whatever it had come to, and all else
// in the control directory but lock and mark goes.
func TestTidy(t *testing.T) {
	cut := errors.New("a kill")
	for name, tc := range map[string]struct {
		inside bool
		make   func(d *Dir) error
		want   string
	}{
		"nothing was begun":         {false, func(*Dir) error { return nil }, "both/old old"},
		"nothing was begun, inside": {true, func(*Dir) error { return nil }, "both/old old"},
		"between two renames":       {false, func(d *Dir) error { return d.root.Rename(d.tree, d.inControl(oldName)) }, "both/old old"},
		"old beside what is there":  {false, func(d *Dir) error { return d.root.Mkdir(d.inControl(oldName), 0o700) }, "both/old old"},
		"while names moved out":     {true, halfway(MoveOut, cut), "both/new new"},
		"while names moved in":      {true, halfway(MoveIn, cut), "both/new new"},
		"a forged word":             {true, func(d *Dir) error { return d.put(swapName, "elsewhere") }, "both/old old"},
		"a forged word, nothing to put": {true, func(d *Dir) error {
			return errors.Join(d.put(swapName, string(MoveIn)), d.remove(d.inControl(newName)))
		}, "both/old old"},
		"a forged word, a file to put": {true, func(d *Dir) error {
			return errors.Join(d.remove(d.inControl(newName)), d.put(newName, ""), d.put(swapName, string(MoveOut)))
		}, "both/old old"},
	} {
		t.Run(name, func(t *testing.T) {
			d, dir, _ := site(t, tc.inside)
			must(t, tc.make(d), d.put(originName, "url"), d.put("debris", ""), d.root.Mkdir(d.inControl("more"), 0o700))
			if err := d.Tidy(); err != nil {
				t.Fatal(err)
			}
			left, err := d.names(d.control)
			if got := list(t, dir); got != tc.want || err != nil || !slices.Equal(left, []string{originName}) {
				t.Errorf("%s, and %q is left: %v", got, left, err)
			}
		})
	}
	d, dir, _ := site(t, false)
	must(t, os.RemoveAll(d.at(d.control)))
	if err := d.Tidy(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a control directory in %s: %v", dir, err)
	}
}

// halfway begins a swap and ends it in the middle of a move, as a kill does.
func halfway(at Move, cut error) func(d *Dir) error {
	return func(d *Dir) (err error) {
		was := d.halfway
		defer func() {
			d.halfway = was
			if r := recover(); r != cut {
				err = errors.New("the swap was not cut short")
			}
		}()
		d.halfway = func(m Move) {
			if m == at {
				panic(cut)
			}
		}
		return d.Swap()
	}
}

// TestRename: a directory that the last run made read-only is opened to its owner before it
// is moved, which only root could do otherwise.
func TestRename(t *testing.T) {
	d, _, _ := site(t, false)
	for mode, want := range map[os.FileMode]os.FileMode{0o500: 0o700, 0: 0o700, 0o755: 0o755, 0o700: 0o700} {
		must(t, os.Mkdir(d.at("from"), 0o700), os.Chmod(d.at("from"), mode), d.rename("from", "to"))
		if info, err := os.Stat(d.at("to")); err != nil || info.Mode().Perm() != want {
			t.Errorf("of mode %o: %v, %v", mode, info.Mode(), err)
		}
		must(t, os.Remove(d.at("to")))
	}
}

// TestContents: WORK_DIR without its control directory is what Recognise and a checker
// see, be the control directory in it or not.
func TestContents(t *testing.T) {
	for inside, want := range map[bool][]string{true: {"both", "old"}, false: {"both", "old"}} {
		d, _, _ := site(t, inside)
		if names, err := d.contents(); err != nil || !slices.Equal(names, want) {
			t.Errorf("inside %v: %q, %v", inside, names, err)
		}
	}
	d, dir, _ := site(t, false)
	must(t, os.RemoveAll(dir))
	if names, err := d.contents(); err != nil || names != nil {
		t.Errorf("without WORK_DIR: %q, %v", names, err)
	}
}
