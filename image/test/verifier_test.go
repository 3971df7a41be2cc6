//go:build image

package test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/internal/testenv"
)

// TestVerifier: the verifier's image serves, with nothing that it may write and as nobody,
// the same report as the program beside it, and the page; and it is a command, too.
func TestVerifier(t *testing.T) {
	ref := pulled(t, registry(t), "git-launcher-verify")
	const want = `["/git-launcher-verify"] ["serve","--listen",":8080","--page","/page"] 65534:65534 map[]`
	if got := docker(t, "inspect", "--format", "{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Config.User}} {{.Config.Volumes}}", ref); got != want {
		t.Errorf("the image is %s", got)
	}
	name := unique("verify")
	docker(t, append(append([]string{"run", "--detach", "--name", name, "--publish", "127.0.0.1::8080"}, strict...), ref)...)
	t.Cleanup(func() { run(t, "docker", "rm", "--force", name) })
	_, port, err := net.SplitHostPort(strings.Fields(docker(t, "port", name, "8080/tcp"))[0])
	if err != nil {
		t.Fatal(err)
	}
	at := "http://127.0.0.1:" + port
	answer := func(path string) string {
		res, err := http.Get(at + path)
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	await(t, "the service", func() bool { return answer("/healthz") == "ok\n" })
	if page := answer("/"); !strings.Contains(page, "<title>") || len(page) < 1<<20 {
		t.Errorf("the page has %d bytes: %.200s", len(page), page)
	}

	file := testenv.Fixture(t, "near-public-data.json")
	evidence, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const moment = "2026-08-20T00:00:00Z"
	body, err := json.Marshal(map[string]any{"evidence": json.RawMessage(evidence), "at": moment})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(at+"/v1/verify", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	served, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{"--json", "--offline", "--at", moment}
	here, _ := run(t, filepath.Join(top, "bin/git-launcher-verify"), append(flags, file)...)
	there, _ := run(t, "docker", append(append([]string{"run", "--rm", "--volume", filepath.Dir(file) + ":/e:ro"}, strict...), append([]string{ref}, append(flags, "/e/"+filepath.Base(file))...)...)...)
	if !strings.Contains(here, `"verdict"`) || there != here || strings.TrimSpace(string(served)) != here {
		t.Errorf("here:\n%.300s\nin the image:\n%.300s\nserved:\n%.300s", here, there, served)
	}
	docker(t, "stop", "--time", "10", name)
	if code := docker(t, "inspect", "--format", "{{.State.ExitCode}}", name); code != "0" {
		t.Errorf("it ends with %s on SIGTERM", code)
	}
}

// strict is how a program that only answers is run.
var strict = []string{"--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"}
