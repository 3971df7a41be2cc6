package object

import (
	"strings"
)

// unsafeName returns why a tree must not have a name, or "". The rules are those of Git's
// fsck and verify_path with the protections for HFS+ and NTFS, since a checkout may be on
// any file system.
func unsafeName(name string) string {
	switch {
	case name == "":
		return "has an empty name"
	case name == ".", name == "..":
		return "has a name that leads elsewhere"
	case strings.IndexByte(name, '/') >= 0:
		return "has a slash in its name"
	case len(name) > maxName:
		return "has a name longer than 255 bytes"
	case isDotFile(name, ".git", "git", ""):
		return "has a name that some file systems take for .git"
	}
	// A backslash is a separator on NTFS, so Git checks each part.
	for part := range strings.SplitSeq(name, `\`) {
		if part != name && isDotFile(part, ".git", "git", "") {
			return "has a name that some file systems take for .git"
		}
	}
	return ""
}

// IsDotGit reports whether some file system takes a name for .git.
func IsDotGit(name string) bool { return isDotFile(name, ".git", "git", "") }

// isDotFile reports whether some file system takes name for want. A name may have another
// case, ignorable code points (HFS+), or trailing dots, blanks or a stream (NTFS). It may
// also be a short name: short, "~" and a digit, or the hashed form, which begins with
// hashed.
func isDotFile(name, want, short, hashed string) bool {
	if strings.EqualFold(stripIgnorable(name), want) {
		return true
	}
	base, _, _ := strings.Cut(name, ":")
	base = strings.ToLower(strings.TrimRight(base, " ."))
	if base == want {
		return true
	}
	stem, digits, ok := strings.Cut(base, "~")
	if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	if short == "git" {
		return stem == "git" && digits == "1"
	}
	return stem == short || hashed != "" && len(base) <= 8 && strings.HasPrefix(stem, hashed[:min(len(stem), len(hashed))]) && len(stem) >= 2
}

// stripIgnorable removes the code points that HFS+ ignores in names (Git's
// next_hfs_char).
func stripIgnorable(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 0x200c <= r && r <= 0x200f, 0x202a <= r && r <= 0x202e, 0x206a <= r && r <= 0x206f, r == 0xfeff:
			return -1
		}
		return r
	}, name)
}
