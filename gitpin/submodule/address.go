package submodule

import (
	"errors"
	"strings"

	"gitlauncher/config"
)

// address reads the address of a submodule. One that begins with ./ or ../ is relative to
// base, the address of the repository whose .gitmodules has it. All others are absolute.
func address(base config.RepoURL, text string) (config.RepoURL, error) {
	if strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") {
		absolute, ok := relative(base.String(), text)
		if !ok {
			return config.RepoURL{}, errors.New("leads out of the address that it is relative to")
		}
		text = absolute
	}
	u, err := config.ParseRepoURL(text)
	switch {
	case err != nil:
		return config.RepoURL{}, err
	case u.Scheme == config.File:
		return config.RepoURL{}, errors.New("is a path on this machine, from which Git clones no submodule either (protocol.file.allow)")
	case u.Scheme == config.HTTP && base.Scheme != config.HTTP:
		return config.RepoURL{}, errors.New("is http://, which is weaker than the address of the repository that it belongs to")
	}
	return u, nil
}

// relative resolves a relative address as git does. It works on the text, component by
// component. The colon of host:path is the last separator that it can remove.
func relative(base, text string) (absolute string, ok bool) {
	base, separator := strings.TrimSuffix(base, "/"), "/"
	for {
		if rest, here := strings.CutPrefix(text, "./"); here {
			text = rest
			continue
		}
		rest, up := strings.CutPrefix(text, "../")
		if !up {
			return base + separator + strings.TrimSuffix(text, "/"), true
		}
		text = rest
		if i := strings.LastIndexByte(base, '/'); i >= 0 {
			base = base[:i]
		} else if i := strings.LastIndexByte(base, ':'); i >= 0 {
			base, separator = base[:i], ":"
		} else if base != "." {
			base = "." // names no host, so the address is refused later
		} else {
			return "", false
		}
	}
}
