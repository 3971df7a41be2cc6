package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start runs a simulator until the test ends or stop is called.
func start(t *testing.T, args ...string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log, w := io.Pipe()
	done := make(chan int, 1)
	go func() { done <- run(ctx, args, io.Discard, w); w.Close() }()
	said := make([]byte, 0, 1000)
	for !bytes.Contains(said, []byte("listening on")) {
		more := make([]byte, 1000)
		n, err := log.Read(more)
		if said = append(said, more[:n]...); err != nil {
			t.Fatalf("it ended: %s", said)
		}
	}
	go io.Copy(io.Discard, log)
	stop = func() {
		cancel()
		if code := <-done; code != 0 {
			t.Errorf("exit %d", code)
		}
		done <- 0
	}
	t.Cleanup(stop)
	return stop
}

// TestUsage: what makes no sense is refused, with the reason, before anything is
// written.
func TestUsage(t *testing.T) {
	dir := t.TempDir()
	compose := filepath.Join(dir, "app-compose.json")
	if err := os.WriteFile(compose, []byte(`{"name":"x"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "list.json"), []byte(`[]`), 0o644); err != nil {
		t.Fatal(err)
	}
	socket, root := filepath.Join(dir, "s"), filepath.Join(dir, "root.pem")
	for _, tc := range []struct {
		args string
		want string
	}{
		{"--tcb-status uptodate", `"uptodate" is none of UpToDate, SWHardeningNeeded, ConfigurationNeeded,`},
		{"--tcb-status UpToDate,OutOfDate", "one status or three"},
		{"--tcb-status UpToDate,,OutOfDate", `"" is none of`},
		{"--tcb-status=", `"" is none of`},
		{"--fault emit-505", "is none of emit-404,"},
		{"--fault emit-404@0", "a number from 1 on"},
		{"--fault emit-404@", "a number from 1 on"},
		{"--fault emit-404 --fault emit-500@1", "begin with the same call, number 1"},
		{"--dstack 0.4", `--dstack: "0.4" is no line of dstack: 0.5 or 0.6`},
		{"--dstack=", `--dstack: "" is no line of dstack`},
		{"--key-provider sgx", `key provider "sgx" is none of none, local-sgx, kms, tpm`},
		{"--key-provider none:00", "the key provider none has no id"},
		{"--key-provider kms:xyz", "is not hex"},
		{"--app-id 00", "--app-id: is not hex of 20 bytes"},
		{"--tee-tcb-svn 00", "--tee-tcb-svn is not hex of 16 bytes"},
		{"--tee-tcb-svn=", "--tee-tcb-svn is not hex of 16 bytes"},
		{"--policy-out " + root, "name the same file"},
		{"--collateral-out " + dir + "/./app-compose.json", "name the same file"},
		{"--policy-out " + socket, "name the same file"},
		{"--socket " + dir + "/" + strings.Repeat("x", 108), "107 bytes"},
		{"--app-compose " + dir + "/list.json", "not a JSON object"},
		{"--app-compose " + dir, "is a directory"},
		{"--app-compose " + dir + "/nothing", "no such file"},
		{"more", `"more" is not a flag`},
		{"--nonsense", "unknown flag: --nonsense"},
		{"--dstak 0.5", "unknown flag: --dstak; did you mean --dstack?"},
		{"-dstack 0.5", "unknown flag: -dstack; did you mean --dstack?"},
		{"-test.dstack 0.5", "unknown flag: -test.dstack"},
	} {
		args := append([]string{"--socket", socket, "--app-compose", compose, "--root-out", root}, strings.Fields(tc.args)...)
		var stderr bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		code := run(ctx, args, io.Discard, &stderr)
		cancel()
		if code != 2 || !strings.Contains(stderr.String(), tc.want) {
			t.Errorf("%s: exit %d, %s", tc.args, code, stderr.String())
		}
		if _, err := os.Lstat(root); err == nil {
			t.Fatalf("%s: something was written", tc.args)
		}
	}
}

// TestSocketInUse: a simulator that runs keeps its socket and its files; one that is
// gone does not.
func TestSocketInUse(t *testing.T) {
	dir := t.TempDir()
	compose := filepath.Join(dir, "app-compose.json")
	if err := os.WriteFile(compose, []byte(`{}`), 0o644); err != nil {
		t.Fatal(err)
	}
	socket, root := filepath.Join(dir, "s"), filepath.Join(dir, "root.pem")
	args := []string{"--socket", socket, "--app-compose", compose, "--root-out", root}
	stop := start(t, args...)
	before, err := os.ReadFile(root)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if code := run(ctx, args, io.Discard, &stderr); code != 1 || !strings.Contains(stderr.String(), "somebody listens on it") {
		t.Errorf("exit %d, %s", code, stderr.String())
	}
	if after, err := os.ReadFile(root); err != nil || !bytes.Equal(before, after) {
		t.Error("the root of the running one was replaced")
	}
	if _, err := os.Lstat(socket); err != nil {
		t.Error("the socket of the running one is gone")
	}
	// One that was killed leaves its socket.
	stop()
	dead(t, socket)
	start(t, args...)
}

// dead leaves a socket that nobody listens on.
func dead(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

// TestLines: the line of dstack and the key provider come from the command line, and 0.6
// and none are the defaults.
func TestLines(t *testing.T) {
	for args, want := range map[string][]string{
		"":                                {`"version":"0.6.6"`, `{\"name\":\"none\",\"id\":\"\"}`},
		"--dstack 0.6":                    {`"version":"0.6.6"`, `{\"name\":\"none\",\"id\":\"\"}`},
		"--dstack 0.5 --key-provider tpm": {`"version":"0.5.15"`, `{\"name\":\"tpm\",\"id\":\"\"}`},
	} {
		dir := t.TempDir()
		compose, socket := filepath.Join(dir, "app-compose.json"), filepath.Join(dir, "s")
		if err := os.WriteFile(compose, []byte(`{}`), 0o644); err != nil {
			t.Fatal(err)
		}
		start(t, append(strings.Fields(args), "--socket", socket, "--app-compose", compose)...)
		client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}}}
		for i, path := range []string{"/Version", "/Info"} {
			answer, err := client.Post("http://dstack"+path, "application/json", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err != nil || !strings.Contains(string(body), want[i]) {
				t.Errorf("%q, %s: %s, %v", args, path, body, err)
			}
		}
	}
}
