package deployment

import (
	"fmt"
	"maps"
	"strings"

	"gitlauncher/config"
	"gitlauncher/internal/composeenv"
)

// isLine reports whether a line sets a key.
func isLine(line, key string) bool {
	name, _, is := strings.Cut(line, "=")
	return is && strings.TrimSpace(name) == key
}

// replaceLines replaces the old value by the new one, in the lines that set a key to
// it. It returns how many there were.
func replaceLines(text []byte, key, old, new string) (changed []byte, n int) {
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines {
		if isLine(line, key) && strings.Count(line, old) == 1 && old != "" {
			lines[i], n = strings.Replace(line, old, new, 1), n+1
		}
	}
	return []byte(strings.Join(lines, "")), n
}

// maxPlaces bounds how often the text to replace may be in a compose file.
const maxPlaces = 16

// inConfigs replaces the old value by the new one, wherever prefix and old value stand
// in a config of the compose file. The same text elsewhere, in a comment or in another
// variable, stays. Values are hexadecimal, so every way of writing YAML has them as
// they are.
func inConfigs(compose []byte, prefix, old, new string) ([]byte, error) {
	text, find := string(compose), prefix+old
	if n := strings.Count(text, find); n == 0 || n > maxPlaces {
		return nil, &UnlikeError{ComposeFile, strings.TrimSuffix(prefix, "="), old}
	}
	was, err := composeenv.Values(compose, config.ConfigVariable)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ComposeFile, err)
	}
	for from := 0; ; {
		i := strings.Index(text[from:], find)
		if i < 0 {
			return []byte(text), nil
		}
		at := from + i
		changed := text[:at] + prefix + new + text[at+len(find):]
		now, err := composeenv.Values([]byte(changed), config.ConfigVariable)
		if err == nil && !maps.Equal(now, was) {
			text, was = changed, now
		}
		from = at + len(prefix) + min(len(old), len(new))
	}
}
