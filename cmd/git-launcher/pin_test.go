package main

import (
	"os"
	"strings"
	"testing"

	"gitlauncher/config"
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
		if got := composeText(c.conf, imagePlaceholder, c.secrets); got != want.String() {
			t.Errorf("pin prints\n%s\n%s is\n%s", got, c.file, want.String())
		}
	}
}

func TestGitPolicy(t *testing.T) {
	cfg, err := config.ParseGit("c", []byte("REPO_URL=/r\nCOMMIT_SHA=0123456789abcdef0123456789abcdef01234567\nRUN_CMD=\"'a'\"\nWORK_DIR=/w\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gitPolicy(cfg, []byte(`{"v":"1"}`), ""); err == nil {
		t.Error("something that is no record makes a policy")
	}
	const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	record := `{"commit":"0123456789abcdef0123456789abcdef01234567","config_sha256":"` + sum + `","content_sha256":"` + sum + `","install_cmd":"","launcher":"x","repo_url":"/r","run_cmd":"'a'","subdir":"","tree":"0123456789abcdef0123456789abcdef01234567","v":"1"}`
	got, err := gitPolicy(cfg, []byte(record), "sha256:"+sum)
	if err != nil {
		t.Fatal(err)
	}
	want := "REPO_URL=/r\nCOMMIT_SHA=0123456789abcdef0123456789abcdef01234567\nRUN_CMD=''a''\nINSTALL_CMD=\nCONFIG_SHA256=" + sum +
		"\nTREE=0123456789abcdef0123456789abcdef01234567\nCONTENT_SHA256=" + sum + "\nLAUNCHER_IMAGE_DIGEST=sha256:" + sum +
		"\n# Still to add, or the verdict stays UNDECIDED: MRTD, RTMR0, RTMR1 and RTMR2 of the dstack OS image.\n"
	if string(got) != want {
		t.Errorf("the policy is\n%s", got)
	}
}
