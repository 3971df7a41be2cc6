package testscripts

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"gitlauncher/internal/gittest"
	"gitlauncher/internal/regtest"
	"gitlauncher/internal/testenv"
)

// compose returns the command of Docker Compose, which is a plugin or a program.
func compose(t *testing.T) []string {
	t.Helper()
	for _, c := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		if exec.Command(c[0], append(c[1:], "version")...).Run() == nil {
			return c
		}
	}
	testenv.Skip(t, "this machine has no Docker compose")
	return nil
}

var anyDigest = regexp.MustCompile(`(image: |DEFAULT_IMAGE_DIGEST=)\S+`)

// TestComposeFile: except for digests and comments, the operators' file is what NEAR's
// contract fixes, so that operators swap only digests.
func TestComposeFile(t *testing.T) {
	const contract = `version: '3.8'
services:
  launcher:
    image: X
    container_name: launcher
    environment:
      - PLATFORM=TEE
      - DOCKER_CONTENT_TRUST=1
      - DEFAULT_IMAGE_DIGEST=X
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock
      - /var/run/dstack.sock:/var/run/dstack.sock
      - /tapp:/tapp:ro
      - shared-volume:/mnt/shared:rw
    security_opt:
      - no-new-privileges:true
    read_only: true
    tmpfs:
      - /tmp
volumes:
  shared-volume:
    name: shared-volume
`
	nontee := strings.ReplaceAll(strings.ReplaceAll(contract, "PLATFORM=TEE", "PLATFORM=NONTEE"), "      - /var/run/dstack.sock:/var/run/dstack.sock\n", "")
	for file, want := range map[string]string{"mpc-tee.yaml": contract, "mpc-nontee.yaml": nontee} {
		data, err := os.ReadFile("../image/compose/" + file)
		if err != nil {
			t.Fatal(err)
		}
		bare := regexp.MustCompile(`(?m)^(#.*)?\n`).ReplaceAllString(string(data), "")
		if got := anyDigest.ReplaceAllString(bare, "${1}X"); got != want {
			t.Errorf("%s is\n%s", file, got)
		}
	}
}

// TestComposeDropIn runs image mode as operators do: an image with only the program and
// CA certificates, exactly the compose file's settings, a Docker Engine that has the
// sockets and /tapp where a CVM has them, and a registry that speaks TLS. There is no
// approved-hashes file yet, so the default digest runs.
func TestComposeDropIn(t *testing.T) {
	t.Parallel()
	docker := compose(t)
	if _, err := os.Stat("/tapp"); err != nil { // a place to mount on, in the Engine's eyes
		if err := os.Mkdir("/tapp", 0o755); err != nil {
			testenv.Skip(t, "can't make /tapp here: %v", err)
		}
		t.Cleanup(func() { os.Remove("/tapp") })
	}
	reg, trusting, certPEM := tlsRegistry(t)
	_, port, err := net.SplitHostPort(reg.Host)
	if err != nil {
		t.Fatal(err)
	}
	host := net.JoinHostPort(regtest.Address, port) // the registry, for the Engine and its containers
	dir, err := os.MkdirTemp("", "gl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	n := &node{guest: guest{TB: t, socket: filepath.Join(dir, "run/dstack.sock")}, dir: dir, name: "mpc-node", log: &syncBuffer{}}
	n.write("run/keep", "")
	n.write("docker/certs.d/"+host+"/ca.crt", string(certPEM))
	n.write("tapp/user_config", fmt.Sprintf("[launcher_config]\nimage_reference = %q\nport_mappings = [{ host = 11780, container = 11780 }]\n[mpc_node_config]\nhome_dir = \"/data\"\n", host+"/near/node"))
	n.engine, err = regtest.StartEngine(dir, dir+"/run:/run", dir+"/tapp:/tapp", dir+"/docker:/etc/docker")
	if errors.Is(err, regtest.ErrNoDockerd) {
		testenv.Skip(t, "%v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.engine.Stop)
	l, err := n.engine.Listen(host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go regtest.Forward(l, reg.Host)
	n.reboot()
	t.Cleanup(func() { n.shutdown() })

	pusher := regtest.Pusher{Host: host, Transport: trusting}
	n.image, n.digest = host+"/near/node", pushNode(t, pusher)
	launcher := pushLauncher(t, pusher, certPEM)
	file, err := os.ReadFile("../image/compose/mpc-tee.yaml")
	if err != nil {
		t.Fatal(err)
	}
	digests := map[string]string{"image: ": host + "/launcher@" + launcher, "DEFAULT_IMAGE_DIGEST=": n.digest}
	n.write("compose.yaml", anyDigest.ReplaceAllStringFunc(string(file), func(s string) string {
		key := anyDigest.FindStringSubmatch(s)[1]
		return key + digests[key]
	}))
	up := exec.Command(docker[0], append(docker[1:], "-p", "dstack", "-f", filepath.Join(dir, "compose.yaml"), "up", "-d")...)
	up.Env = append(os.Environ(), "DOCKER_HOST=unix://"+n.engine.Socket)
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, prune := range [][]string{{"image", "prune", "-af"}, {"volume", "prune", "-f"}} { // as dstack does after `up`
		n.docker(prune...)
	}
	for end := time.Now().Add(30 * time.Second); n.state() != "running"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			log, _ := n.engine.Docker("logs", "launcher")
			t.Fatalf("the node does not run:\n%s", log)
		}
	}
	if got := n.events(); got != onceMeasured {
		t.Errorf("the register holds %q", got)
	}
	format := "{{.HostConfig.ReadonlyRootfs}} {{.Path}} {{.Args}} {{.HostConfig.RestartPolicy.Name}}"
	if got := n.docker("inspect", "-f", format, "launcher"); strings.TrimSuffix(got, " no") != "true /git-launcher [image]" {
		t.Errorf("the launcher's container: %s", got)
	}
	format = `{{.Config.Image}} {{index .Config.Labels "com.docker.compose.project"}} {{.HostConfig.NetworkMode}} {{.HostConfig.RestartPolicy.Name}}`
	if got := n.docker("inspect", "-f", format, "mpc-node"); got != n.image+"@"+n.digest+" mpc-node mpc-node_default no" {
		t.Errorf("the node's container: %s", got)
	}
	shared := filepath.Join(dir, "data/volumes/shared-volume/_data")
	for _, name := range []string{"mpc-config.toml", "git-launcher-receipt.json"} {
		if !exists(filepath.Join(shared, name)) {
			t.Errorf("the shared volume has no %s", name)
		}
	}
	verifyImageByHand(t, filepath.Join(shared, "git-launcher-receipt.json"), filepath.Join(dir, "tapp/user_config"))

	// Ending the launcher ends the node in order, and the launcher with its code.
	n.docker("stop", "launcher")
	if got := n.docker("inspect", "-f", "{{.State.ExitCode}}", "launcher", "mpc-node"); got != "0\n0" {
		t.Errorf("exit codes of launcher and node: %q\n%s", got, n.docker("logs", "launcher"))
	}
	if log := n.docker("logs", "launcher"); !strings.Contains(log, "node: got terminated") {
		t.Errorf("the launcher's log lacks the node's output:\n%s", log)
	}

	// The way back: Docker compose, as the launcher before this one uses it, takes
	// over the container, its network and its volumes.
	ours := n.docker("inspect", "-f", "{{.Id}}", "mpc-node")
	n.write("data/volumes/mpc-data/_data/precious", "")
	n.write("back.yaml", strings.ReplaceAll(incumbent, "IMAGE", n.image+"@"+n.digest))
	back := exec.Command(docker[0], append(docker[1:], "-p", "mpc-node", "-f", filepath.Join(dir, "back.yaml"), "up", "-d")...)
	back.Env = up.Env
	if out, err := back.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := n.docker("inspect", "-f", "{{.Id}} {{.State.Status}}", "mpc-node"); strings.HasPrefix(got, ours) || !strings.HasSuffix(got, " running") {
		t.Errorf("the container was %s and is %s", ours, got)
	}
	if !exists(filepath.Join(dir, "data/volumes/mpc-data/_data/precious")) {
		t.Error("the node's data is gone")
	}
}

// incumbent is a compose file for the node's container alone.
const incumbent = `version: '3.8'
services:
  mpc-node:
    image: IMAGE
    container_name: mpc-node
    command: ["/app/mpc-node", "start-with-config-file", "/mnt/shared/mpc-config.toml"]
    volumes:
      - /tapp:/tapp:ro
      - shared-volume:/mnt/shared
      - mpc-data:/data
volumes:
  shared-volume:
    name: shared-volume
  mpc-data:
    name: mpc-data
`

// verifyImageByHand runs VERIFY.md's commands for image mode, word for word.
func verifyImageByHand(t *testing.T, receipt, userConfig string) {
	t.Helper()
	page, err := os.ReadFile("../VERIFY.md")
	if err != nil {
		t.Fatal(err)
	}
	// The two functions that the page takes from git mode's commands.
	script := "set -euo pipefail\n" + strings.Join(regexp.MustCompile("(?s)(?m:^)(?:events\\(\\) \\{\n.*?\n\\}|payload\\(\\) [^\n]*)\n").FindAllString(string(page), -1), "")
	for _, m := range regexp.MustCompile("(?s)```bash\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		script += m[1]
	}
	dir := t.TempDir()
	for name, from := range map[string]string{"receipt.json": receipt, "user_config": userConfig} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	const want = "the record is measured\nits image is measured, and no other\nthe user config is measured\nthe container is measured\n"
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s", err, out)
	}
}

// tlsRegistry starts the distribution registry with a certificate for
// regtest.Address. The transport trusts that, and finds the registry here.
func tlsRegistry(t *testing.T) (*regtest.Distribution, http.RoundTripper, []byte) {
	t.Helper()
	cert, certPEM, err := gittest.Certificate(regtest.Address, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	reg, err := regtest.StartDistribution(t.TempDir(), "127.0.0.1", "", certPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	if errors.Is(err, regtest.ErrNoDistribution) {
		testenv.Skip(t, "%v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Stop)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	trusting := http.DefaultTransport.(*http.Transport).Clone()
	trusting.TLSClientConfig = &tls.Config{RootCAs: roots}
	trusting.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, reg.Host)
	}
	return reg, trusting, certPEM
}

func pushNode(t *testing.T, p regtest.Pusher) string {
	t.Helper()
	bin, err := nodeBinary()
	if err != nil {
		t.Fatal(err)
	}
	image, err := regtest.NodeImage(bin, rand.Text())
	if err != nil {
		t.Fatal(err)
	}
	digest, err := p.Push("near/node:x", image)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// pushLauncher pushes an image as operators run it: the program, CA certificates, and
// nothing else.
func pushLauncher(t *testing.T, p regtest.Pusher, certPEM []byte) string {
	t.Helper()
	bin, err := regtest.BuildStatic(t.TempDir(), "gitlauncher/cmd/git-launcher")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	image, err := regtest.NewImage(v1.Platform{OS: "linux", Architecture: "amd64"}, v1.Config{Entrypoint: []string{"/git-launcher", "image"}}, "",
		regtest.File{Path: "git-launcher", Data: program}, regtest.File{Path: "etc", Dir: true}, regtest.File{Path: "etc/ssl", Dir: true},
		regtest.File{Path: "etc/ssl/certs", Dir: true}, regtest.File{Path: "etc/ssl/certs/ca-certificates.crt", Data: certPEM})
	if err != nil {
		t.Fatal(err)
	}
	digest, err := p.Push("launcher:x", image)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}
