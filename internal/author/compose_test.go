package author

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gitlauncher/internal/digest"
	"gitlauncher/internal/step"
)

// TestReadCompose: a policy is written for the config that the compose file deploys, or
// not at all.
func TestReadCompose(t *testing.T) {
	const conf = "REPO_URL=/r\nRUN_CMD=echo $HOME\n"
	sum := digest.Of([]byte(conf)).Hex()
	for name, c := range map[string]struct {
		text   string
		reason string // empty: it is read
		envs   []string
	}{
		"what pin writes":        {Compose(conf, ImagePlaceholder, []string{"B", "A"}), "", []string{"A", "B"}},
		"none inside":            {"services: {app: {image: x, environment: {C: \"${C}\"}}}\n", "", nil},
		"other services":         {Compose(conf, ImagePlaceholder, nil) + "# end\n", "", nil},
		"another config":         {Compose(conf+"#\n", ImagePlaceholder, nil), "has another config in GIT_LAUNCHER_CONFIG", nil},
		"filled in":              {"services: {app: {environment: {GIT_LAUNCHER_CONFIG: \"${X}\"}}}\n", "has another config in GIT_LAUNCHER_CONFIG", nil},
		"two readings":           {"services: {app: !!map {}}\n", "tag", nil},
		"no environment at all":  {"services: {app: {environment: 1}}\n", "environment is neither a mapping nor a list", nil},
		"larger than any may be": {strings.Repeat("#", 256<<10+1), "is larger than 256 KiB", nil},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "compose.yaml")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			d, err := ReadCompose(file, sum)
			var usage *step.UsageError
			switch {
			case c.reason != "":
				if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.reason) {
					t.Errorf("%v", err)
				}
			case err != nil || d.SHA256 != digest.Of([]byte(c.text)).Hex() || !slices.Equal(d.Envs, c.envs):
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
	if _, err := ReadCompose(t.TempDir(), sum); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("a folder: %v", err)
	}
}
