//go:build image

package test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gitlauncher/internal/testenv"
)

// top is the top directory of the source; `make image` has filled bin/image.
const top = "../.."

// lacks skips a test on a machine that lacks what it needs. In CI it fails.
func lacks(t *testing.T, what string) {
	t.Helper()
	testenv.Skip(t, "%s is missing", what)
}

func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			lacks(t, p)
		}
	}
}

// run runs a program to its end, within two minutes, and returns what it wrote to both
// streams.
func run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func docker(t *testing.T, args ...string) string { t.Helper(); return must(t, "docker", args...) }

// unique returns a name that nobody else on this Engine has.
func unique(what string) string {
	b := make([]byte, 6)
	rand.Read(b) // never fails
	return fmt.Sprintf("git-launcher-test-%s-%x", what, b)
}

// await waits until there returns true, at most twenty seconds.
func await(t *testing.T, what string, there func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !there(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// registry starts a real registry and returns its address. It is on loopback, where Docker
// needs no TLS, and ends with the test.
func registry(t *testing.T) string {
	t.Helper()
	needs(t, "docker-registry", "docker")
	if out, err := run(t, "docker", "version", "--format", "{{.Server.Version}}"); err != nil {
		lacks(t, "a Docker Engine ("+out+")")
	}
	dir := t.TempDir()
	addr := freeAddr(t, "127.0.0.1")
	conf := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s/data}}\nhttp: {addr: %q}\n", dir, addr)
	write(t, filepath.Join(dir, "registry.yml"), conf)
	start(t, "docker-registry", "serve", filepath.Join(dir, "registry.yml"))
	await(t, "the registry", func() bool {
		res, err := http.Get("http://" + addr + "/v2/")
		if err == nil {
			res.Body.Close()
		}
		return err == nil
	})
	return addr
}

func freeAddr(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start runs a program until halt is called or the test ends.
func start(t *testing.T, name string, args ...string) (halt func()) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	halt = sync.OnceFunc(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, out.Bytes())
		}
	})
	t.Cleanup(halt)
	return halt
}

// pulled pushes an image of bin/image to a registry, has the Engine pull it by digest, and
// returns its name. The test's cleanup removes the Engine's copy.
func pulled(t *testing.T, reg, name string) string {
	t.Helper()
	push := exec.Command("go", "run", "./image/build", "push", "-name", name, "-to", reg+"/"+name+":test")
	push.Dir = top
	out, err := push.Output()
	if err != nil {
		t.Fatalf("pushing %s (did `make image` run?): %v", name, err)
	}
	ref := strings.TrimSpace(string(out))
	want, err := os.ReadFile(filepath.Join(top, "bin/image", name+".digest"))
	if err != nil || ref != reg+"/"+name+"@"+strings.TrimSpace(string(want)) {
		t.Fatalf("the registry has %s, the build made %s, %v", ref, want, err)
	}
	docker(t, "pull", "--quiet", ref)
	t.Cleanup(func() { run(t, "docker", "rmi", "--force", ref) })
	return ref
}
