package pinned

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestImageByCompose: an image is pinned if one service of the measured compose has its
// digest and --approved none, both literally.
func TestImageByCompose(t *testing.T) {
	digest := "sha256:" + strings.Repeat("ab", 32)
	list := "no service of the measured compose file has this digest"
	consults := "consults a file of approved digests"
	for name, tc := range map[string]struct {
		service string // its lines
		reason  string // empty: pinned
	}{
		"a command":                     {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]\n    command: [--approved, none]", ""},
		"a command with =":              {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]\n    command: [--approved=none]", ""},
		"a command with one hyphen":     {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]\n    command: [-approved, none]", ""},
		"a command of words":            {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]\n    command: --log-format json --approved none", ""},
		"a variable":                    {"environment: {DEFAULT_IMAGE_DIGEST: '" + digest + "', GIT_LAUNCHER_APPROVED: none}", ""},
		"a command that agrees":         {"environment: {DEFAULT_IMAGE_DIGEST: '" + digest + "', GIT_LAUNCHER_APPROVED: none}\n    command: [--approved, none]", ""},
		"neither":                       {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]", consults},
		"a command that disagrees":      {"environment: {DEFAULT_IMAGE_DIGEST: '" + digest + "', GIT_LAUNCHER_APPROVED: none}\n    command: [--approved, file]", consults},
		"said twice, file last":         {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]\n    command: [--approved, none, --approved, file]", consults},
		"a word that is no value":       {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]\n    command: [--approved]", consults},
		"a word without hyphens":        {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]\n    command: [approved, none]", consults},
		"a word that is filled in":      {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]\n    command: [--approved, none, '${MORE}']", consults},
		"words for a shell":             {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]\n    command: '--approved none; true'", consults},
		"a blank to some readers":       {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]\n    command: \"--approved none\\u00a0--receipt-log\"", consults},
		"a number among the words":      {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]\n    command: [--approved, none, 7]", consults},
		"a variable that is filled in":  {"environment: {DEFAULT_IMAGE_DIGEST: '" + digest + "', GIT_LAUNCHER_APPROVED: '${GIT_LAUNCHER_APPROVED}'}", consults},
		"a digest that is filled in":    {"environment: ['DEFAULT_IMAGE_DIGEST=${DEFAULT_IMAGE_DIGEST}']\n    command: [--approved, none]", list},
		"a digest that is not there":    {"command: [--approved, none]", list},
		"another digest":                {"environment: [DEFAULT_IMAGE_DIGEST=" + strings.Replace(digest, "ab", "ba", 1) + "]\n    command: [--approved, none]", list},
		"a file that two readers split": {"environment: [DEFAULT_IMAGE_DIGEST=" + digest + "]\n    command: !!seq [--approved, none]", "can't be read"},
	} {
		file := "services:\n  other:\n    image: x\n  app:\n    image: y\n    " + tc.service + "\n"
		app, err := json.Marshal(map[string]string{"docker_compose_file": file})
		if err != nil {
			t.Fatal(err)
		}
		service, err := ImageByCompose(boot(t, string(app)), digest)
		var e *Error
		switch {
		case tc.reason == "" && (err != nil || service != "app"):
			t.Errorf("%s: %q, %v", name, service, err)
		case tc.reason != "" && (!errors.As(err, &e) || !strings.Contains(err.Error(), tc.reason)):
			t.Errorf("%s: %q, %v", name, service, err)
		}
	}
	if _, err := ImageByCompose(boot(t, `{"name":"x"}`), digest); err == nil || !strings.Contains(err.Error(), "no docker_compose_file") {
		t.Errorf("no compose file: %v", err)
	}
}
