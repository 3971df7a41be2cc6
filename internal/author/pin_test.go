package author

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/step"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/system/catalogue"
)

// TestSystems: the names that pin takes are those that a verifier knows.
func TestSystems(t *testing.T) {
	var known []string
	for _, image := range catalogue.BuiltIn().Images {
		known = append(known, image.Name)
	}
	slices.Sort(known)
	named := slices.Sorted(slices.Values(systems))
	if !slices.Equal(named, known) {
		t.Errorf("pin takes %q, and the catalogue has %q", named, known)
	}
}

func TestWishCheck(t *testing.T) {
	const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, c := range []struct {
		wish   Wish
		reason string // empty: it is taken
	}{
		{Wish{}, ""},
		{Wish{Image: "x@sha256:" + sum, OSImage: "dstack-0.6.6", Envs: []string{"API_KEY"}, Sets: []string{"WORK_DIR=/w"}}, ""},
		{Wish{OSImage: sum}, ""},
		{Wish{Image: "x:latest"}, "--image must name the image by digest"},
		{Wish{OSImage: "dstack-9"}, `--os-image "dstack-9" is neither an image's name that is known here (dstack-0.5.4, `},
		{Wish{OSImage: sum[1:]}, "nor an os_image_hash of 64 lowercase"},
		{Wish{Envs: []string{"api-key"}}, "--env "},
		{Wish{Sets: []string{"WORK_DIR=/w\nRUN_CMD=x"}}, "--set has more than one line"},
	} {
		err := c.wish.Check()
		var usage *step.UsageError
		switch {
		case c.reason == "" && err != nil:
			t.Errorf("%+v: %v", c.wish, err)
		case c.reason != "" && (!errors.As(err, &usage) || !strings.Contains(err.Error(), c.reason)):
			t.Errorf("%+v: %v, not %q", c.wish, err, c.reason)
		}
	}
}

const commit = "0123456789abcdef0123456789abcdef01234567"

func pinned(t *testing.T, w Wish) (*Config, error) {
	t.Helper()
	repo, err := config.ParseRepoURL("https://git.example/r.git")
	if err != nil {
		t.Fatal(err)
	}
	id, err := object.ParseID(commit)
	if err != nil {
		t.Fatal(err)
	}
	return w.Config(repo, id)
}

// TestConfigNamesFlags: a line that --set added is refused by the flag's name, and its
// value, which may be a secret, is not repeated.
func TestConfigNamesFlags(t *testing.T) {
	for _, line := range []string{"WORK_DIR=sekrit", "NO_SUCH_KEY=sekrit", "COMMIT_SHA=sekrit", "FETCH_DEPTH=sekrit"} {
		_, err := pinned(t, Wish{Sets: []string{"RUN_CMD=x", line}})
		var usage *step.UsageError
		key, _, _ := strings.Cut(line, "=")
		if !errors.As(err, &usage) || !strings.HasPrefix(usage.Reason, fmt.Sprintf("--set %q ", key)) || strings.Contains(usage.Reason, "sekrit") || strings.Contains(usage.Reason, "config:") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestTexts: config, compose file and policy are of one launch.
func TestTexts(t *testing.T) {
	const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	w := Wish{Image: "x@sha256:" + sum, OSImage: "dstack-0.6.6", Envs: []string{"API_KEY"}, Sets: []string{"WORK_DIR=/var/lib/w"}}
	c, err := pinned(t, w)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := w.Texts(c, func(cfg *config.Git, configSHA256 string) ([]byte, error) {
		r := measure.GitRecord{Launcher: "x", ConfigSHA256: configSHA256, RepoURL: cfg.Repo.String(), Commit: cfg.Commit.String(),
			Tree: commit, ContentSHA256: sum, Entrypoint: cfg.Script.String(), EntrypointSHA256: sum}
		return r.Marshal()
	})
	if err != nil {
		t.Fatal(err)
	}
	conf, compose, expected := texts[0].Text, texts[1].Text, texts[2].Text
	if want := "REPO_URL=https://git.example/r.git\nCOMMIT_SHA=" + commit + "\nWORK_DIR=/var/lib/w\nCONTENT_SHA256=" + sum + "\nENTRYPOINT_SHA256=" + sum + "\n"; conf != want {
		t.Errorf("the config is\n%s", conf)
	}
	if compose != Compose(conf, w.Image, w.Envs) {
		t.Errorf("the compose file has another config:\n%s", compose)
	}
	for _, line := range []string{"CONFIG_SHA256=" + digest.Of([]byte(conf)).Hex(), "DOCKER_COMPOSE_SHA256=" + digest.Of([]byte(compose)).Hex(), "OS_IMAGE=dstack-0.6.6", "ALLOWED_ENVS=API_KEY"} {
		if !strings.Contains(expected, line+"\n") {
			t.Errorf("the policy has no %s:\n%s", line, expected)
		}
	}
	if _, err := policy.Parse("p", []byte(expected)); err != nil {
		t.Error(err)
	}
	broken := errors.New("no such script")
	if _, err := w.Texts(c, func(*config.Git, string) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("a commit that can't be launched: %v", err)
	}
}
