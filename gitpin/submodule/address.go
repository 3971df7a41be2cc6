package submodule

import (
	"errors"
	"strings"

	"gitlauncher/config"
)

// address reads the address of a submodule. One that begins with ./ or ../ is relative to
// that of the repository whose .gitmodules it stands in; all others are taken as they are.
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
		return config.RepoURL{}, errors.New("is a path on this machine, which Git takes for no submodule either (protocol.file.allow)")
	case u.Scheme == config.HTTP && base.Scheme != config.HTTP:
		return config.RepoURL{}, errors.New("is http://, which is weaker than the address of the repository that it belongs to")
	}
	return u, nil
}

// relative resolves a relative address as git does: on the text, component by component,
// with the colon of host:path as the last separator that there is.
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
			base = "." // which names no host, and is refused as what it is
		} else {
			return "", false
		}
	}
}
