package gitpin_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/gitpin"
	"gitlauncher/internal/testenv"
)

// volume is a file system in a file.
type volume struct {
	testing.TB
	kind, image, at string
}

// kinds returns the file systems that the power is cut on: ext4, which every launch is
// tested on, and xfs and btrfs if this machine's kernel has them.
func kinds(t *testing.T) []string {
	t.Helper()
	systems, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"ext4"}
	for _, kind := range []string{"xfs", "btrfs"} {
		if strings.Contains(string(systems), "\t"+kind+"\n") {
			all = append(all, kind)
		} else {
			t.Logf("this kernel has no %s", kind)
		}
	}
	return all
}

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

// newVolume makes a file system and mounts it.
func newVolume(t *testing.T, kind string) *volume {
	t.Helper()
	if _, err := exec.LookPath("mkfs." + kind); err != nil || os.Geteuid() != 0 {
		testenv.Skip(t, "%s needs root and mkfs.%s", kind, kind)
	}
	dir := t.TempDir()
	v := &volume{t, kind, filepath.Join(dir, "image"), filepath.Join(dir, "mnt")}
	size := map[string]int64{"ext4": 48 << 20, "xfs": 320 << 20, "btrfs": 160 << 20}[kind]
	if err := errors.Join(os.WriteFile(v.image, nil, 0o600), os.Truncate(v.image, size), os.Mkdir(v.at, 0o755)); err != nil {
		t.Fatal(err)
	}
	force := map[string]string{"ext4": "-qF", "xfs": "-qf", "btrfs": "-qf"}[kind]
	run(t, "mkfs."+kind, force, v.image)
	v.mount()
	t.Cleanup(v.unmount)
	return v
}

func (v *volume) mount() {
	v.Helper()
	options := "loop"
	if v.kind == "xfs" {
		options += ",nouuid" // a copy has the same id as its original
	}
	run(v, "mount", "-t", v.kind, "-o", options, v.image, v.at)
}

func (v *volume) unmount() { exec.Command("umount", v.at).Run() }

// cut returns a copy of the disk as a power cut would leave it now: what the kernel has
// written.
func (v *volume) cut() string {
	v.Helper()
	copies, err := filepath.Glob(v.image + ".*")
	if err != nil {
		v.Fatal(err)
	}
	name := fmt.Sprintf("%s.%03d", v.image, len(copies))
	run(v, "cp", "--sparse=always", v.image, name)
	return name
}

// commit makes the file system write its journal. Then all names are on the disk, and
// contents that nobody has synced are not, so there are files without contents.
func (v *volume) commit() {
	v.Helper()
	f, err := os.Create(filepath.Join(v.at, "elsewhere"))
	if err == nil {
		_, err = f.WriteString("x")
	}
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err != nil {
		v.Fatal(err)
	}
}

// TestPowerCut cuts the power at every stage of a first launch, a restart, an update and the
// restart after it: once with the disk as the kernel has left it, and once after it has
// written its journal. The next start succeeds on each of these disks. SECURITY.md: H7.
func TestPowerCut(t *testing.T) {
	for _, kind := range kinds(t) {
		for _, place := range []string{"beside", "in a mount"} {
			t.Run(kind+" "+place, func(t *testing.T) { powerCut(t, kind, place == "in a mount") })
		}
	}
}

// moment is a power cut.
type moment struct{ name, image string }

// course is a series of launches. They are cut off at every stage, and wherever else between
// calls cut.
type course struct {
	launches []gitpin.Params                                    // without WorkDir
	before   func(launch int, dir string)                       // prepares a launch; may be nil
	between  func(cut func(at string))                          // is given cut before each launch, and may call it during the launch; may be nil
	sound    func(t *testing.T, c *gitpin.Checkout, dir string) // requires that a checkout is right
}

// run runs the launches, and calls cut at every moment.
func (c *course) run(t *testing.T, dir string, cut func(launch int, at string)) {
	t.Helper()
	for launch, p := range c.launches {
		if c.before != nil {
			c.before(launch, dir)
		}
		if c.between != nil {
			c.between(func(at string) { cut(launch, at) })
		}
		p.WorkDir, p.Stage = dir, func(s gitpin.Stage) { cut(launch, string(s)) }
		checkout, err := gitpin.Pin(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		checkout.Close()
	}
	if c.between != nil {
		c.between(func(string) {})
	}
}

// again runs the last launch of the course, as the one after a cut.
func (c *course) again(t *testing.T, name, dir string) (fetched bool) {
	t.Helper()
	p := c.launches[len(c.launches)-1]
	p.WorkDir = dir
	checkout, err := gitpin.Pin(context.Background(), p)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return true
	}
	checkout.Close()
	c.sound(t, checkout, dir)
	return checkout.Fetched
}

func powerCut(t *testing.T, kind string, inside bool) {
	h := newHost(t)
	var launches []gitpin.Params
	for _, commit := range []string{h.First, h.First, h.First, h.Head, h.Head} {
		launches = append(launches, h.params(t, commit, ""))
	}
	ignored := []string{}
	if inside {
		ignored = []string{"!! .git-launcher/"}
	}
	cutPower(t, kind, inside, 40, &course{launches: launches, sound: func(t *testing.T, _ *gitpin.Checkout, dir string) {
		clean(t, h.Dir, h.Head, dir, ignored...)
	}}, written, journal)
}

// What is on the disk when the power is cut.
const (
	written = "as it is"
	journal = "with its journal" // all names, and not the contents that nobody has synced
)

// cutPower cuts the power at every moment of a course, and launches again from each disk. It
// requires that the course has at least that many moments.
func cutPower(t *testing.T, kind string, inside bool, least int, c *course, how ...string) {
	v := newVolume(t, kind)
	dir := filepath.Join(v.at, "work")
	if inside { // a mount of its own for WORK_DIR, on the same disk
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		run(t, "sync", "-f", dir)
	}
	bind := func() {
		if inside {
			run(t, "mount", "--bind", dir, dir)
		}
	}
	unbind := func() {
		if inside {
			exec.Command("umount", dir).Run()
		}
	}
	var moments []moment
	bind()
	v.commit()
	c.run(t, dir, func(launch int, at string) {
		for _, how := range how {
			if how == journal {
				v.commit()
			}
			moments = append(moments, moment{fmt.Sprintf("launch %d, %s, %s", launch, at, how), v.cut()})
		}
	})
	unbind()
	v.unmount()
	original := v.image
	defer func() { v.image = original }()
	offline := 0
	for _, m := range moments {
		v.image = m.image
		v.mount()
		bind()
		if !c.again(t, m.name, dir) {
			offline++
		}
		unbind()
		v.unmount()
		os.Remove(m.image)
	}
	t.Logf("%d power cuts; %d starts after them needed no network", len(moments), offline)
	if len(moments) < least || offline == 0 {
		t.Errorf("%d power cuts, %d of them harmless", len(moments), offline)
	}
}

// TestPowerCutAfterALaunch: if the swap is on the disk, so is the whole checkout. So the next
// start needs no network, whatever the kernel still had to write.
// SECURITY.md: H7.
func TestPowerCutAfterALaunch(t *testing.T) {
	for _, kind := range kinds(t) {
		t.Run(kind, func(t *testing.T) {
			v := newVolume(t, kind)
			h := newHost(t)
			dir := filepath.Join(v.at, "work")
			var cuts []string
			for launch := range 4 { // cold, the restart that writes another pack, one that writes none
				if launch == 3 { // and one that must write the mark of the origin again
					if err := os.Remove(filepath.Join(v.at, ".work.git-launcher", "origin")); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := h.pin(t, dir); err != nil {
					t.Fatal(err)
				}
				cuts = append(cuts, v.cut())
				v.commit()
				cuts = append(cuts, v.cut())
			}
			h.stop()
			v.unmount()
			for i, image := range cuts {
				v.image = image
				v.mount()
				if i < 2 { // the swap itself may not be on the disk yet
					if _, err := os.Lstat(filepath.Join(dir, ".git")); err != nil {
						v.unmount()
						continue
					}
				}
				if c, err := h.pin(t, dir); err != nil || c.Fetched {
					t.Errorf("cut %d: %v", i, err)
				} else {
					clean(t, h.Dir, h.Head, dir)
				}
				v.unmount()
			}
		})
	}
}

// TestARestartSyncsNothing: a restart that changes nothing does not wait for the disk: it
// makes no call to sync. The test starts itself again below strace, and is then the restart.
func TestARestartSyncsNothing(t *testing.T) {
	if words := strings.Fields(os.Getenv("GITPIN_AGAIN")); len(words) == 3 {
		h := &host{url: words[1]}
		c, err := gitpin.Pin(context.Background(), h.params(t, words[2], words[0]))
		if err != nil || c.Fetched {
			t.Fatalf("%v", err)
		}
		c.Close()
		return
	}
	h := newHost(t)
	dir := filepath.Join(t.TempDir(), "work")
	for range 2 {
		if _, err := h.pin(t, dir); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := exec.LookPath("strace"); err != nil {
		testenv.Skip(t, "needs strace")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command("strace", "-f", "-e", "trace=fsync,fdatasync,syncfs,sync,sync_file_range", "-o", log, self, "-test.run", "^TestARestartSyncsNothing$")
	cmd.Env = append(os.Environ(), "GITPIN_AGAIN="+dir+" "+h.url+" "+h.Head)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	trace, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(trace), "sync"); n != 0 {
		t.Errorf("%d calls:\n%s", n, trace)
	}
}
