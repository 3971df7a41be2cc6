//go:build image

package test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"gitlauncher/config"
	"gitlauncher/internal/gittest"
	"gitlauncher/measure"
)

// The placeholders in the examples, which a reader replaces.
const (
	zeros             = "@sha256:0000000000000000000000000000000000000000000000000000000000000000"
	placeholder       = "registry.example/git-launcher" + zeros
	placeholderOwn    = "registry.example/you/workload" + zeros
	placeholderURL    = "https://github.com/you/workload.git"
	placeholderCommit = "0123456789abcdef0123456789abcdef01234567"
)

// project parses a compose file strictly and without interpolation.
func project(t *testing.T, text string) *types.Project {
	t.Helper()
	p, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  "/",
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(text)}},
	}, func(o *loader.Options) {
		o.SkipInterpolation, o.SkipResolveEnvironment = true, true
		o.SetProjectName("test", true)
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// up replaces the placeholders of an example and starts it with the version of Compose that
// dstack has. The test's cleanup removes it.
func up(t *testing.T, text string, env []string, replace ...string) (compose func(args ...string) string) {
	t.Helper()
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("the example has no %s", replace[i])
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "compose.yaml")
	write(t, file, strings.NewReplacer(replace...).Replace(text))
	name := unique("compose")
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
	}
	bin := filepath.Join(top, "bin/docker-compose")
	compose = func(args ...string) string {
		t.Helper()
		return must(t, bin, append([]string{"--project-name", name, "--file", file}, args...)...)
	}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := run(t, bin, "--project-name", name, "--file", file, "logs")
			t.Logf("%s", out)
		}
		run(t, bin, "--project-name", name, "--file", file, "down", "--volumes", "--timeout", "2")
	})
	compose("up", "--detach", "--quiet-pull")
	return compose
}

func example(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(top, "image", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func awaitLogs(t *testing.T, compose func(...string) string, text string) (out string) {
	t.Helper()
	await(t, text, func() bool {
		out = compose("logs", "--no-color")
		return strings.Contains(out, text)
	})
	return out
}

// literalConfig returns the config that a service has in GIT_LAUNCHER_CONFIG.
func literalConfig(t *testing.T, app types.ServiceConfig) *config.Git {
	t.Helper()
	text := app.Environment[config.ConfigVariable]
	if text == nil {
		t.Fatalf("no %s", config.ConfigVariable)
	}
	cfg, err := config.ParseGit("inline", []byte(*text))
	if err != nil {
		t.Fatalf("the config inside: %v", err)
	}
	return cfg
}

// TestComposeGitMode is for SECURITY.md: W3.
func TestComposeGitMode(t *testing.T) {
	text := example(t, "compose/git-mode.yaml")
	app := project(t, text).Services["app"]
	if app.Image != placeholder || !app.ReadOnly || app.Restart != "on-failure" {
		t.Errorf("the service is %+v", app)
	}
	literalConfig(t, app)
	w := newWorld(t)
	id, _ := w.commit(t, roomy+script)
	compose := up(t, text, nil, placeholder, w.launcher, placeholderURL, w.url, placeholderCommit, id,
		"/var/run/dstack.sock:/var", w.sock+":/var")
	out := awaitLogs(t, compose, "workload: waiting")
	has(t, out, "HEAD verified: "+id, "launch measured", "capabilities 0000000000000000", "workload: room in /tmp /var/tmp /root /var/cache")
	for _, bad := range []string{"root file system is writable", "WRITABLE ROOT", "GIT_LAUNCHER_CONFIG"} {
		if strings.Contains(out, bad) {
			t.Errorf("%q is in:\n%s", bad, out)
		}
	}
	if n := len(w.launches(t)); n != 1 {
		t.Errorf("%d launches are measured", n)
	}
	w.stopServer()
	compose("restart", "--timeout", "5")
	await(t, "the second launch", func() bool {
		return strings.Count(compose("logs", "--no-color"), "workload: waiting") == 2
	})

	// On dstack 0.6 the same deployment is pinned: Compose passes exactly the bytes that the
	// launcher finds in the measured compose.
	compose("stop", "--timeout", "5")
	w.dstack = "0.6"
	w.measure(t, strings.NewReplacer(placeholder, w.launcher, placeholderURL, w.url, placeholderCommit, id).Replace(text))
	w.boot(t)
	compose("up", "--detach")
	awaitLogs(t, compose, "binding=pinned service=app")
	if n := len(w.launches(t)); n != 0 {
		t.Errorf("%d launches are recorded on dstack 0.6", n)
	}
}

// TestComposeAttest: in the containers of compose/attest.yaml, attest runs beside a launch. On
// dstack 0.5 and 0.6, it answers with receipts of that launch. They bind the key that the
// workload leaves.
func TestComposeAttest(t *testing.T) {
	text := example(t, "compose/attest.yaml")
	services := project(t, text).Services
	if a := services["attest"]; a.Image != placeholder || services["app"].Image != placeholder || !a.ReadOnly || !services["app"].ReadOnly {
		t.Errorf("the services are %+v", services)
	}
	w := newWorld(t)
	key := strings.Repeat("ab", 32) // the hash of a key may be left in place of the key
	id, _ := w.commit(t, "echo "+key+" >/run/git-launcher/cert.pem\n"+script)
	host, _, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(w.url, "http://"), "/workload.git"))
	if err != nil {
		t.Fatal(err)
	}
	at := freeAddr(t, host)
	replace := []string{placeholder, w.launcher, placeholderURL, w.url, placeholderCommit, id, "/var/run/dstack.sock:/var", w.sock + ":/var",
		`":8081"]`, `":8081", --bind-file, /run/git-launcher/cert.pem]`, `"8081:8081"`, `"` + at + `:8081"`}
	for _, dstack := range []string{"0.5", "0.6"} {
		w.dstack = dstack
		w.measure(t, strings.NewReplacer(replace[:6]...).Replace(text))
		w.boot(t)
		compose := up(t, text, nil, replace...)
		awaitLogs(t, compose, "workload: waiting")
		nonce := strings.Repeat("0a", 32)
		var r *measure.Receipt
		await(t, "a receipt", func() bool {
			out, err := run(t, "curl", "-sSf", "http://"+at+"/receipt?nonce="+nonce)
			if err == nil {
				r, err = measure.ParseReceipt([]byte(out))
			}
			return err == nil
		})
		want := map[string]measure.Binding{"0.5": measure.Recorded, "0.6": measure.Pinned}[dstack]
		if r.Key.String() != key || r.Nonce != nonce || r.Binding != want || !strings.Contains(r.Record, id) {
			t.Errorf("dstack %s: key %s, nonce %s, %s of %s", dstack, r.Key, r.Nonce, r.Binding, r.Record)
		}
		if out := must(t, "curl", "-sS", "http://"+at+"/metrics"); !strings.Contains(out, "git_launcher_attest_receipt_seconds_count 1") {
			t.Errorf("dstack %s: the metrics are\n%s", dstack, out)
		}
		compose("stop", "--timeout", "10")
		has(t, compose("logs", "--no-color", "attest"), "ended by a signal")
		compose("down", "--volumes")
	}
}

// roomy is a workload that runs programs from the directories that the examples let it
// write to.
const roomy = `room=""
for d in /tmp /var/tmp /root /var/cache; do
  cp /bin/true "$d/program" && "$d/program" && room="$room $d"
done
echo "workload: room in$room"
env | sed 's/^/workload: /' | grep GIT_LAUNCHER_CONFIG
`

func TestComposeDerived(t *testing.T) {
	text := example(t, "compose/derived.yaml")
	if app := project(t, text).Services["app"]; app.Image != placeholderOwn || !app.ReadOnly || len(app.Configs) != 0 {
		t.Errorf("the service is %+v", app)
	}
	w := newWorld(t)
	id, conf := w.commit(t, script)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Dockerfile"), strings.Replace(example(t, "derived/Dockerfile"), placeholder, w.launcher, 1))
	if _, err := config.ParseGit("derived/config.conf", []byte(example(t, "derived/config.conf"))); err != nil {
		t.Error(err)
	}
	write(t, filepath.Join(dir, "config.conf"), conf)
	tag := w.reg + "/you/workload:1"
	t.Cleanup(func() { run(t, "docker", "rmi", "--force", tag) })
	docker(t, "build", "--quiet", "--tag", tag, dir)
	docker(t, "push", "--quiet", tag)
	byDigest := docker(t, "inspect", "--format", "{{index .RepoDigests 0}}", tag)
	compose := up(t, text, nil, placeholderOwn, byDigest, "/var/run/dstack.sock:/var", w.sock+":/var")
	out := awaitLogs(t, compose, "workload: waiting")
	has(t, out, "HEAD verified: "+id)
	if strings.Contains(out, "root file system is writable") {
		t.Error("the root file system is writable")
	}

	// On dstack 0.6 nothing can be recorded. The config in the image pins the launch, if the
	// compose file asks for that.
	compose("stop", "--timeout", "5")
	w.dstack = "0.6"
	w.boot(t)
	compose = up(t, strings.Replace(text, "    restart: on-failure", "    restart: \"no\"", 1), nil, placeholderOwn, byDigest, "/var/run/dstack.sock:/var", w.sock+":/var")
	out = awaitLogs(t, compose, "What to do")
	has(t, out, "the launch is not pinned: no service of the measured compose file has a literal GIT_LAUNCHER_CONFIG", "GIT_LAUNCHER_MEASURE=pinned")
	pinned := strings.Replace(text, "    read_only", "    environment: {GIT_LAUNCHER_MEASURE: pinned}\n    read_only", 1)
	compose = up(t, pinned, nil, placeholderOwn, byDigest, "/var/run/dstack.sock:/var", w.sock+":/var")
	out = awaitLogs(t, compose, "workload: waiting")
	has(t, out, "HEAD verified: "+id, "the config is in the image", "binding=pinned")

	// It does not where a mount covers the file, nor where the root file system is writable.
	mounted := filepath.Join(dir, "mounted.conf")
	write(t, mounted, conf)
	compose = up(t, strings.NewReplacer("restart: on-failure", "restart: \"no\"", "    volumes:\n      - /var", "    volumes:\n      - "+mounted+":/etc/git-launcher/config.conf:ro\n      - /var").Replace(pinned), nil,
		placeholderOwn, byDigest, "/var/run/dstack.sock:/var", w.sock+":/var")
	out = awaitLogs(t, compose, "What to do")
	has(t, out, "the launch is not pinned", "config.conf is mounted, and not in the image")
	compose = up(t, strings.NewReplacer("restart: on-failure", "restart: \"no\"", "    read_only: true\n", "").Replace(pinned), nil,
		placeholderOwn, byDigest, "/var/run/dstack.sock:/var", w.sock+":/var")
	out = awaitLogs(t, compose, "What to do")
	has(t, out, "the launch is not pinned", "the root file system is writable, so", "WRITABLE ROOT")
	if n := len(w.launches(t)); n != 0 {
		t.Errorf("%d launches are recorded on dstack 0.6", n)
	}
}

// TestComposeLocalDev needs nothing but Docker and a clone: the guest agent is a
// service of the same file.
func TestComposeLocalDev(t *testing.T) {
	w := newWorld(t)
	id, _ := w.commit(t, script)
	version := unique("local")
	for name, ref := range map[string]string{"git-launcher": w.launcher, "dstack-sim": pulled(t, w.reg, "dstack-sim")} {
		docker(t, "tag", ref, name+":"+version) // as docker load does
		t.Cleanup(func() { run(t, "docker", "rmi", name+":"+version) })
	}
	// Not a byte of the file is changed.
	compose := up(t, example(t, "compose/local-dev.yaml"), []string{"REPO=" + w.repo.Dir, "COMMIT=" + id, "VERSION=" + version})
	out := awaitLogs(t, compose, "workload: waiting")
	has(t, out, "HEAD verified: "+id, "launch measured", "THIS IS NOT A TEE")
}

// TestComposePrivate: the token is passed in a variable, and is neither in the log nor in
// the workload's environment.
func TestComposePrivate(t *testing.T) {
	text := example(t, "compose/private.yaml")
	app := project(t, text).Services["app"]
	if cfg := literalConfig(t, app); !app.ReadOnly || cfg.Auth.TokenEnv != "REPO_TOKEN" {
		t.Errorf("the service is %+v", app)
	}
	w := newWorld(t)
	host, _, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(w.url, "http://"), "/workload.git"))
	if err != nil {
		t.Fatal(err)
	}
	cert, pem, err := gittest.Certificate(host, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(w.dir, "ca.pem")
	write(t, ca, string(pem))
	private := &gittest.Server{Root: filepath.Join(w.dir, "srv"), Password: "sekrit-token"}
	url, stop, err := private.StartTLS(host+":0", cert)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	id, _ := w.commit(t, `{ env; tr "\\0" "\\n" </proc/self/environ; } | grep -c -e sekrit -e REPO_TOKEN`+"\n"+script)
	const line = `      GIT_LAUNCHER_RECEIPT_LOG: "true"` + "\n"
	compose := up(t, text, []string{"REPO_TOKEN=sekrit-token"}, placeholder, w.launcher, placeholderURL, url+"/workload.git", placeholderCommit, id,
		line, line+"      SSL_CERT_FILE: /ca.pem\n", // this test's own authority
		"/var/run/dstack.sock:/var", w.sock+":/var", "      - workload:/var", "      - "+ca+":/ca.pem:ro\n      - workload:/var")
	out := awaitLogs(t, compose, "workload: waiting")
	has(t, out, "HEAD verified: "+id, "app-1  | 0\n")
	if strings.Contains(out, "sekrit") {
		t.Errorf("the token is in the log:\n%s", out)
	}
}
