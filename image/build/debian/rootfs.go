package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gitlauncher/image/build/layer"
)

// Bootstrap has mmdebstrap install the locked packages, with their own scripts, and returns
// the files of the system. It makes the directory tmp to work in. apt sees a repository of
// these packages and no other.
func Bootstrap(ctx context.Context, l *Lock, cache, tmp string) ([]layer.File, error) {
	repo := filepath.Join(tmp, "repo")
	// Mkdir obeys the umask and Chmod does not: mmdebstrap may run as another user.
	if err := errors.Join(os.Mkdir(tmp, 0o755), os.Chmod(tmp, 0o755), os.Mkdir(repo, 0o755), os.Chmod(repo, 0o755)); err != nil {
		return nil, err
	}
	if err := repository(ctx, l, cache, repo); err != nil {
		return nil, err
	}
	if err := os.Chmod(filepath.Join(repo, "Packages"), 0o644); err != nil {
		return nil, err
	}
	var names []string
	for _, p := range l.Packages {
		names = append(names, p.Name)
	}
	cmd := exec.CommandContext(ctx, "mmdebstrap", "--quiet", "--variant=apt", "--format=tar",
		"--architectures="+l.Arch, "--include="+strings.Join(names, ","), l.Suite, "-",
		// This program has made the repository, and has hashed each package in it.
		"deb [trusted=yes] copy://"+repo+" ./")
	cmd.Dir = tmp
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", l.Epoch.Unix()),
		"LC_ALL=C.UTF-8", "TZ=UTC", "HOME=" + tmp, "TMPDIR=" + tmp,
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("mmdebstrap (of the Debian package of that name): %w", err)
	}
	files, err := layer.ReadTar(stdout)
	if _, drained := io.Copy(io.Discard, stdout); err == nil {
		err = drained
	}
	if werr := cmd.Wait(); werr != nil {
		return nil, fmt.Errorf("mmdebstrap: %w:\n%s", werr, stderr.String())
	}
	return files, err
}

// dropped are the paths that do not go into the image: what the build left behind, what a
// container gets from its engine, and what no program reads.
var dropped = []struct{ pattern, why string }{
	{"/dev/**", "an engine mounts its own"},
	{"/etc/hostname", "an engine mounts its own"},
	{"/etc/resolv.conf", "an engine mounts its own"},
	{"/etc/fstab", "nothing mounts file systems here"},
	{"/etc/motd", "nobody logs in"},
	{"/etc/.pwd.lock", "a lock"},
	{"/etc/alternatives/*.gz", "manuals"},
	{"/etc/apt/sources.list", "the definition has another"},
	{"/etc/*-", "what a file was before a script changed it"},
	{"/etc/rc?.d/**", "there is no init"},
	{"/etc/systemd/system/**", "there is no systemd"},
	{"/var/lib/systemd/**", "there is no systemd"},
	{"/var/cache/**", "caches"},
	{"/usr/**/__pycache__", "what Python compiled; no package has it"},
	{"/usr/**/__pycache__/**", "what Python compiled; no package has it"},
	{"/var/log/**", "logs"},
	{"/var/lib/apt/extended_states", "what mmdebstrap asked apt for"},
	{"/var/lib/apt/lists/**", "indexes of packages, and their lock"},
	{"/var/lib/dpkg/*-old", "what a file was before"},
	{"/var/lib/dpkg/lock*", "locks"},
	{"/var/lib/dpkg/triggers/Lock", "a lock"},
	{"/var/lib/python", "what Python compiled; no package has it"},
	{"/var/lib/python/**", "what Python compiled; no package has it"},
	{"/usr/share/man/**", "manuals"},
	{"/usr/share/info/**", "manuals"},
	{"/usr/share/locale/**", "translations"},
	{"/usr/share/lintian/**", "for Debian's own checks"},
	{"/usr/share/doc/**", "manuals; licences are kept"},
	{"/usr/share/doc-base/**", "manuals"},
}

// kept are the exceptions to dropped.
var kept = []string{"/usr/share/doc/*/copyright"}

// Clean returns the files without those that dropped lists. A time after the epoch becomes
// the epoch. A directory that becomes empty stays.
func Clean(files []layer.File, epoch time.Time) []layer.File {
	licensed := make(map[string]bool) // directories that have a licence
	for _, f := range files {
		if matches(f.Path, kept) {
			licensed[path.Dir(f.Path)] = true
		}
	}
	var out []layer.File
	for _, f := range files {
		drop := !matches(f.Path, kept) && !licensed[f.Path] &&
			slices.ContainsFunc(dropped, func(d struct{ pattern, why string }) bool { return match(d.pattern, f.Path) })
		if drop {
			continue
		}
		if f.Time.After(epoch) {
			f.Time = epoch
		}
		out = append(out, f)
	}
	return out
}

func matches(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, name) })
}

// match is [path.Match] by components, where ** stands for any number of directories. At
// the end of a pattern, ** stands for everything below.
func match(pattern, name string) bool {
	return matchParts(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func matchParts(pattern, name []string) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] != "**":
		if len(name) == 0 {
			return false
		}
		ok, _ := path.Match(pattern[0], name[0])
		return ok && matchParts(pattern[1:], name[1:])
	case len(pattern) == 1:
		return len(name) > 0
	}
	for i := range name {
		if matchParts(pattern[1:], name[i:]) {
			return true
		}
	}
	return false
}
