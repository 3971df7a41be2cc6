package config_test

import (
	"errors"
	"fmt"

	"gitlauncher/config"
)

// A program can show what a config pins.
func ExampleParseGit() {
	data := []byte(`# our workload
REPO_URL=https://example.org/you/workload.git
COMMIT_SHA=2f4b6a0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a
REPO_SUBDIR=service
`)
	cfg, err := config.ParseGit("config.conf", data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("repository:", cfg.Repo)
	fmt.Println("commit:", cfg.Commit)
	fmt.Printf("runs: %s in %s\n", cfg.Script, cfg.Subdir)
	// Output:
	// repository: https://example.org/you/workload.git
	// commit: 2f4b6a0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a
	// runs: entrypoint.sh in service
}

// An error says what was refused and where. It leaves out the value, which may be a
// secret.
func ExampleError() {
	_, err := config.ParseGit("config.conf", []byte("REPO_URL=https://git:hunter2@example.org/r.git\n"))
	var refused *config.Error
	if errors.As(err, &refused) {
		fmt.Printf("line %d, %s\n", refused.Line, refused.Key)
	}
	fmt.Println(err)
	// Output:
	// line 1, REPO_URL
	// config.conf:1: REPO_URL: holds a credential, which would be published with the config; use AUTH_TOKEN_ENV or SSH_KEY_ENV, or their _FILE forms
}
