package testscripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/internal/regtest"
)

// TestEngineMirror: if the Docker Engine pulls an image of Docker Hub through its
// mirror, `image resolve` and a launch prove it through the same mirror.
//
// SECURITY.md: R5.
func TestEngineMirror(t *testing.T) {
	t.Parallel()
	bin := programs(t)
	mirror := &regtest.Server{}
	stop, err := regtest.Start(mirror)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	n := newConfiguredNode(t, bin, nil, fmt.Sprintf(`{"registry-mirrors":["http://%s/"]}`, mirror.Host))
	l, err := n.engine.Listen(mirror.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go regtest.Forward(l, mirror.Host)
	n.registry, n.image = mirror, "near/node"
	digest := n.push()
	n.write("shared/image-digest.bin", `{"approved_hashes":["`+digest+`"]}`)
	n.configure("")

	resolve := exec.Command(filepath.Join(bin, "git-launcher"), "image", "resolve", "--docker-endpoint", n.engine.Socket, "near/node@"+digest)
	resolve.Env = append(os.Environ(), "DOCKER_CONFIG="+t.TempDir())
	if out, err := resolve.CombinedOutput(); err != nil || !strings.Contains(string(out), "manifest  "+digest) {
		t.Errorf("resolve: %v\n%s", err, out)
	}
	log, code, _ := n.launch()
	if code != 0 || !strings.Contains(log, "container started") || strings.Contains(log, "mirror does not have it") {
		t.Errorf("exit %d\n%s", code, log)
	}
	asked := 0
	for _, r := range mirror.Requests() {
		if strings.HasPrefix(r.Path, "/v2/near/node/") && r.Method == "GET" {
			asked++
		}
		if r.Authorization != "" {
			t.Errorf("a credential went to the mirror: %v", r)
		}
	}
	if asked < 4 { // manifest and config for resolve, and for the launch
		t.Errorf("the mirror was asked %d times", asked)
	}
}
