package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Mirrors are the URLs to download packages from, by the name of the archive. No lock or
// image contains them.
type Mirrors map[string]string

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// Wants reads a list of wanted packages. A line has names of packages for every image, or
// "FLAVOUR: NAME..." for one flavour. NAME/SUITE takes the package from another suite.
func Wants(text string) (every []string, flavours map[string][]string, err error) {
	flavours = make(map[string][]string)
	for line := range strings.Lines(text) {
		name, more, is := strings.Cut(line, ":")
		switch {
		case !is:
			every = append(every, strings.Fields(line)...)
		case flavours[name] != nil:
			return nil, nil, fmt.Errorf("flavour %s is there twice", name)
		default:
			flavours[name] = strings.Fields(more)
		}
	}
	return every, flavours, nil
}

// Update makes a lock of the newest versions of the wanted packages, of Debian's essential
// ones, and of all that these depend on. apt checks the archives' signatures against
// Debian's keys and no others.
func Update(ctx context.Context, arch, suite, wanted string, from Mirrors, now time.Time) (*Lock, error) {
	every, flavours, err := Wants(wanted)
	if err != nil {
		return nil, err
	}
	epoch := now.UTC().Truncate(24 * time.Hour)
	l := &Lock{Arch: arch, Suite: suite, Epoch: epoch}
	later := epoch.Add(24 * time.Hour) // the next day's copy has what came out today
	for _, name := range archiveNames {
		l.Archives = append(l.Archives, Archive{name, "http://snapshot.debian.org/archive/" + name + "/" + later.Format("20060102T150405Z") + "/"})
	}
	dir, err := os.MkdirTemp("", "git-launcher-lock-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	apt, err := newApt(dir, arch, suite, from)
	if err != nil {
		return nil, err
	}
	if _, err := apt.run(ctx, "apt-get", "update", "-q"); err != nil {
		return nil, fmt.Errorf("reading the archives: %w", err)
	}
	if l.Packages, err = apt.resolve(ctx, every); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(flavours)) {
		all, err := apt.resolve(ctx, slices.Concat(every, flavours[name]))
		if err != nil {
			return nil, fmt.Errorf("flavour %s: %w", name, err)
		}
		own := slices.DeleteFunc(slices.Clone(all), func(p Package) bool { return slices.Contains(l.Packages, p) })
		if len(own)+len(l.Packages) != len(all) {
			return nil, fmt.Errorf("flavour %s needs another version of a package of every image", name)
		}
		l.Flavours = append(l.Flavours, Flavour{name, own})
	}
	_, err = parseLock(l.Format()) // the new lock must be readable
	return l, err
}

// resolve returns the wanted packages, the essential ones, and all that these depend on,
// sorted by name.
func (a *apt) resolve(ctx context.Context, wanted []string) (chosen []Package, err error) {
	args := append([]string{"apt-get", "install", "--simulate", "-q", "--no-install-recommends", "?essential", "apt"}, wanted...)
	out, err := a.run(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("resolving the packages: %w", err)
	}
	for line := range strings.Lines(string(out)) { // Inst bash (5.2.15-2+b13 Debian:12.15/oldstable [amd64])
		f := strings.Fields(line)
		if len(f) < 3 || f[0] != "Inst" {
			continue
		}
		nameVersion := f[1] + "=" + strings.TrimPrefix(f[2], "(")
		p, err := a.describe(ctx, nameVersion)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", nameVersion, err)
		}
		chosen = append(chosen, p)
	}
	slices.SortFunc(chosen, byName)
	return chosen, nil
}

// archiveNames are Debian's archives, by their names at snapshot.debian.org/archive.
var archiveNames = []string{"debian", "debian-security"}

// apt is a private apt, which knows nothing of the machine's sources, settings and packages.
type apt struct{ dir string }

func newApt(dir, arch, suite string, from Mirrors) (*apt, error) {
	for _, d := range []string{"lists/partial", "cache/archives/partial", "etc"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	conf := fmt.Sprintf(`APT::Architecture %q;
APT::Architectures %q;
APT::Sandbox::User "";
APT::Install-Recommends "false";
Dir::Etc %q;
Dir::Etc::sourcelist "sources.list";
Dir::State::lists %q;
Dir::State::status %q;
Dir::Cache %q;
Acquire::Languages "none";
`, arch, arch, dir+"/etc", dir+"/lists", dir+"/status", dir+"/cache")
	sources := fmt.Sprintf("deb [signed-by=%[1]s] %[2]s %[4]s main\ndeb [signed-by=%[1]s] %[2]s %[4]s-backports main\ndeb [signed-by=%[1]s] %[3]s %[4]s-security main\n",
		keyring, from["debian"], from["debian-security"], suite)
	return &apt{dir}, errors.Join(
		os.WriteFile(dir+"/status", nil, 0o644),
		os.WriteFile(dir+"/apt.conf", []byte(conf), 0o644),
		os.WriteFile(dir+"/etc/sources.list", []byte(sources), 0o644))
}

func (a *apt) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "APT_CONFIG="+a.dir+"/apt.conf", "LC_ALL=C.UTF-8")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", args[0], err, lastLine(stderr.String()))
	}
	return stdout.Bytes(), nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// describe reads a package's entry in the signed index.
func (a *apt) describe(ctx context.Context, nameVersion string) (Package, error) {
	out, err := a.run(ctx, "apt-cache", "show", nameVersion)
	if err != nil {
		return Package{}, err
	}
	field := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		if strings.TrimSpace(line) == "" && len(field) > 0 {
			break
		}
		if key, v, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && field[key] == "" {
			field[key] = v
		}
	}
	p := Package{Name: field["Package"], Version: field["Version"], Path: field["Filename"], SHA256: field["SHA256"], Archive: "debian"}
	if strings.HasPrefix(p.Path, "pool/updates/") { // only the security archive has this directory
		p.Archive = "debian-security"
	}
	p.Size, err = strconv.ParseInt(field["Size"], 10, 64)
	return p, err
}
