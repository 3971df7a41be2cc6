package testscripts

import (
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"gitlauncher/internal/regtest"
)

// TestImageSurprises: settings in an image's config are approved with the image, and
// what the launcher sets wins over them. All of these start, in whatever form the
// Engine reports them.
func TestImageSurprises(t *testing.T) {
	t.Parallel()
	n := newNode(t, programs(t), nil)
	bin, err := nodeBinary()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		change       func(*v1.Config)
		format, want string // of docker inspect
	}{
		{"a working directory with slashes too many", func(c *v1.Config) { c.WorkingDir = "//app/../app/./" }, "", ""},
		{"a variable twice", func(c *v1.Config) { c.Env = []string{"A=1", "PATH=/app", "A=2"} }, "", ""},
		{"a variable without a value, and one that is the launcher's", func(c *v1.Config) { c.Env = []string{"A", "B=", "DSTACK_ENDPOINT=/evil"} },
			"{{range .Config.Env}}{{println .}}{{end}}", "DSTACK_ENDPOINT=/var/run/dstack.sock\nA\nB="},
		{"volumes, also where a mount is", func(c *v1.Config) {
			c.Volumes = map[string]struct{}{"/vol": {}, "/w/x/": {}, "/data": {}}
		}, `{{range .Mounts}}{{if eq .Destination "/data"}}{{.Name}}{{end}}{{end}}`, n.name + "-data"},
		{"a health check", func(c *v1.Config) {
			c.Healthcheck = &v1.HealthConfig{Test: []string{"CMD", "/app/mpc-node"}, Interval: time.Hour}
		}, "", ""},
		{"a health check that is none", func(c *v1.Config) { c.Healthcheck = &v1.HealthConfig{Test: []string{"NONE"}} }, "", ""},
		{"our labels", func(c *v1.Config) {
			c.Labels = map[string]string{"git-launcher.container-sha256": "x", "com.docker.compose.project": "evil"}
		}, `{{index .Config.Labels "com.docker.compose.project"}}`, n.name},
		{"ONBUILD, SHELL, STOPSIGNAL, EXPOSE", func(c *v1.Config) {
			c.OnBuild, c.Shell, c.StopSignal, c.ExposedPorts = []string{"RUN x"}, []string{"/x"}, "SIGUSR1", map[string]struct{}{"99/udp": {}}
		}, "", ""},
	} {
		base, err := regtest.NodeImage(bin, c.name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := base.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config := file.DeepCopy().Config
		c.change(&config)
		image, err := mutate.Config(base, config)
		if err != nil {
			t.Fatal(err)
		}
		if n.digest, err = (regtest.Pusher{Host: n.registry.Host}).Push("near/node:x", image); err != nil {
			t.Fatal(err)
		}
		n.write("shared/image-digest.bin", `{"approved_hashes":["`+n.digest+`"]}`)
		n.reboot()
		if log, code, _ := n.launch(); code != 0 {
			t.Errorf("%s: exit code %d\n%s", c.name, code, log)
			continue
		}
		n.keep()
		n.sound(c.name)
		if c.format != "" {
			if got := n.docker("inspect", "-f", c.format, n.name); strings.TrimSpace(got) != c.want {
				t.Errorf("%s: %q", c.name, got)
			}
		}
	}
}
