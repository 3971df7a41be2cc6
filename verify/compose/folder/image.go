package folder

import (
	"path"
	"strings"
)

// HidesImage reports whether an empty file system in memory hides files of the
// launcher's image. Places where workloads keep files of theirs, such as /tmp and
// /home, may be hidden.
func HidesImage(target string) bool {
	p := path.Clean(target)
	if rest, ok := strings.CutPrefix(p, "/var/run"); ok && (rest == "" || rest[0] == '/') {
		p = "/run" + rest
	}
	for _, dir := range []string{"/tmp", "/var/tmp", "/run", "/root", "/home", "/var/cache"} {
		if Within(p, dir) && !Within(p, "/run/dstack.sock") && !Within(p, "/run/docker.sock") {
			return false
		}
	}
	return OfImage(p)
}

// OfImage reports whether a place in the launcher's image is the image's own,
// or the config's.
func OfImage(p string) bool {
	if !path.IsAbs(p) || p == "/var" || p == "/var/lib" {
		return true
	}
	for _, dir := range []string{"/bin", "/boot", "/dev", "/dstack", "/etc", "/git-launcher", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/proc", "/root", "/run", "/sbin", "/sys", "/tapp", "/usr", "/var/lib/dpkg", "/var/lib/apt", "/var/run", "/var/spool"} {
		if Within(p, dir) || Within(dir, p) {
			return true
		}
	}
	return false
}

// IsHome reports whether a place is the home of a user whom Debian's images have, or may
// be one below /home. Shells and interpreters look there for code of the user's own.
func IsHome(p string) bool {
	for _, dir := range []string{"/nonexistent", "/var/backups", "/var/list", "/var/mail", "/var/www"} {
		if Within(p, dir) {
			return true
		}
	}
	name, below := strings.CutPrefix(p, "/home/")
	return p == "/home" || below && (!strings.Contains(name, "/") || strings.Contains(name, "/."))
}
