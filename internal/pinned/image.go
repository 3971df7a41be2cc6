package pinned

import (
	"maps"
	"slices"
	"strings"

	"gitlauncher/internal/composeenv"
	"gitlauncher/internal/strictyaml"
	"gitlauncher/measure"
)

// The variables of image mode that pin an image, and the flag that one stands for.
const (
	digestVariable   = "DEFAULT_IMAGE_DIGEST"
	approvedVariable = "GIT_LAUNCHER_APPROVED"
	approvedFlag     = "approved"
	noApproved       = "none"
)

// ImageByCompose returns the service of the measured compose file that can run only
// this image: its literal DEFAULT_IMAGE_DIGEST is this digest, and it consults no file
// of approved digests. Errors are *[Error].
func ImageByCompose(boot measure.Boot, digest string) (service string, err error) {
	text, err := composeFile(boot)
	if err != nil {
		return "", err
	}
	digests, err := composeenv.Values(text, digestVariable)
	if err != nil {
		return "", &Error{"the measured compose file can't be read: " + err.Error()}
	}
	approved, err := composeenv.Values(text, approvedVariable)
	if err != nil {
		return "", &Error{"the measured compose file can't be read: " + err.Error()}
	}
	file, err := strictyaml.Decode(text)
	if err != nil {
		return "", &Error{"the measured compose file can't be read: " + err.Error()}
	}
	services, _ := file["services"].(map[string]any)
	reason := "no service of the measured compose file has this digest in a literal " + digestVariable
	for _, name := range slices.Sorted(maps.Keys(digests)) {
		if digests[name] != digest {
			continue
		}
		definition, _ := services[name].(map[string]any)
		if consults(definition["command"], approved[name]) != noApproved {
			reason = "the service " + name + " of the measured compose file consults a file of approved digests: it has no literal --approved none"
			continue
		}
		return name, nil
	}
	return "", &Error{reason}
}

// consults returns which file of approved digests a service names: in its command,
// which wins, or in the variable. It returns "" if Compose or a shell could change the
// words.
func consults(command any, variable string) string {
	var words []string
	switch command := command.(type) {
	case string:
		if !composeenv.PlainWords(command) {
			return ""
		}
		words = strings.Fields(command)
	case []any:
		for _, word := range command {
			text, ok := word.(string)
			if !ok {
				return ""
			}
			words = append(words, text)
		}
	}
	said := variable
	for i, word := range words {
		if composeenv.FilledIn(word) {
			return ""
		}
		name, value, has := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-"), "=")
		if !strings.HasPrefix(word, "-") || name != approvedFlag {
			continue
		}
		if said = value; !has {
			said = ""
			if i+1 < len(words) {
				said = words[i+1]
			}
		}
	}
	return said
}
