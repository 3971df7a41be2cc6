package author

import (
	"os"
	"strings"
	"testing"

	"gitlauncher/config"
	"gitlauncher/policy"
)

// TestComposeText: what pin prints are the recommended examples, less their comments.
func TestComposeText(t *testing.T) {
	const conf = "REPO_URL=https://github.com/you/workload.git\nCOMMIT_SHA=0123456789abcdef0123456789abcdef01234567\n"
	for _, c := range []struct {
		file, conf string
		secrets    []string
	}{
		{"git-mode.yaml", conf, nil},
		{"private.yaml", conf + "AUTH_TOKEN_ENV=REPO_TOKEN\n", []string{"REPO_TOKEN"}},
	} {
		data, err := os.ReadFile("../../image/compose/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for line := range strings.Lines(string(data)) {
			if !strings.HasPrefix(line, "#") {
				want.WriteString(line)
			}
		}
		if got := Compose(c.conf, ImagePlaceholder, c.secrets); got != want.String() {
			t.Errorf("pin prints\n%s\n%s is\n%s", got, c.file, want.String())
		}
	}
}

func TestPolicy(t *testing.T) {
	cfg, err := config.ParseGit("c", []byte("REPO_URL=/r\nCOMMIT_SHA=0123456789abcdef0123456789abcdef01234567\nRUN_CMD=\"'a'\"\nWORK_DIR=/w\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Expectations{Config: cfg, Record: []byte(`{"v":"1"}`)}).Policy(); err == nil {
		t.Error("something that is no record makes a policy")
	}
	const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	record := `{"commit":"0123456789abcdef0123456789abcdef01234567","config_sha256":"` + sum + `","content_sha256":"` + sum + `","install_cmd":"","launcher":"x","repo_url":"/r","run_cmd":"'a'","subdir":"","tree":"0123456789abcdef0123456789abcdef01234567","v":"1"}`
	e := Expectations{Config: cfg, Record: []byte(record), ImageDigest: "sha256:" + sum, ComposeSHA256: sum, Envs: []string{"API_KEY", "TOKEN"}}
	got, err := e.Policy()
	if err != nil {
		t.Fatal(err)
	}
	want := "REPO_URL=/r\nCOMMIT_SHA=0123456789abcdef0123456789abcdef01234567\nRUN_CMD=''a''\nINSTALL_CMD=\nCONFIG_SHA256=" + sum +
		"\nTREE=0123456789abcdef0123456789abcdef01234567\nCONTENT_SHA256=" + sum + "\nLAUNCHER_IMAGE_DIGEST=sha256:" + sum +
		"\nDOCKER_COMPOSE_SHA256=" + sum + "\nALLOWED_ENVS=API_KEY\nALLOWED_ENVS=TOKEN" +
		"\n# Still to add, or the verdict stays UNDECIDED: the dstack OS image, as OS_IMAGE=dstack-0.6.6\n# or as OS_IMAGE_HASH= with the hash of its release page.\n"
	if !strings.HasPrefix(string(got), want) || !strings.Contains(string(got), "\n# KEY_PROVIDER=\n") || !strings.HasSuffix(string(got), "\n# PERSISTENT_DISK=accepted\n") {
		t.Errorf("the policy is\n%s", got)
	}
	e.ImageDigest, e.ComposeSHA256, e.Envs = "", "", nil
	if got, err = e.Policy(); err != nil || !strings.Contains(string(got), "\nALLOWED_ENVS=\n") || !strings.Contains(string(got), "\n# DOCKER_COMPOSE_SHA256=\n") || !strings.Contains(string(got), "# and LAUNCHER_IMAGE_DIGEST") {
		t.Errorf("%v: the policy is\n%s", err, got)
	}
	if _, err := policy.Parse("p", got); err != nil {
		t.Error(err)
	}
	for name, line := range map[string]string{"dstack-0.6.6": "\nOS_IMAGE=dstack-0.6.6\n", sum: "\nOS_IMAGE_HASH=" + sum + "\n"} {
		e.OSImage, e.ImageDigest = name, "sha256:"+sum
		if got, err = e.Policy(); err != nil || !strings.Contains(string(got), line) || strings.Contains(string(got), "Still to add") || !strings.Contains(string(got), "\n# ACPI_TABLES=\n") {
			t.Errorf("%v: the policy is\n%s", err, got)
		}
	}
}
