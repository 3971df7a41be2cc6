package userconfig

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gitlauncher/imagepin/oci"
)

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func name(t *testing.T, s string) oci.Name {
	t.Helper()
	n, err := oci.ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var unexported = cmp.Options{cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.EquateEmpty()}

func toTOML(launcher string) string {
	return "[launcher_config]\n" + launcher + "\n[mpc_node_config]\nhome_dir = \"/data\"\n"
}

func TestTOML(t *testing.T) {
	override, _ := oci.ParseDigest(digest)
	node := map[string]any{"home_dir": "/data"}
	for _, c := range []struct {
		name, text string
		want       Config
	}{
		{"smallest", toTOML(`image_reference = "nearone/mpc-node"`),
			Config{Image: name(t, "nearone/mpc-node"), Pull: defaultPull, Node: node}},
		{"everything", toTOML(`image_reference = "127.0.0.1:5000/a/b:v1"
mpc_hash_override = "` + digest + `"
port_mappings = [{ host = 80, container = 8080 }, { container = 65535, host = 1 }]
pull_max_retries = 0
pull_retry_interval_secs = 1
pull_max_delay_secs = 7`),
			Config{Image: name(t, "127.0.0.1:5000/a/b:v1"), Override: override, Ports: []Port{{80, 8080}, {1, 65535}},
				Pull: Pull{0, time.Second, 7 * time.Second}, Node: node}},
		{"alias", toTOML(`image = "nearone/mpc-node"`), Config{Image: name(t, "nearone/mpc-node"), Pull: defaultPull, Node: node}},
		{"older keys", toTOML("registry = 'ghcr.io'\nimage_name = 'near/mpc'\nimage_tags = ['x']\nrpc_max_attempts = 3"),
			Config{Image: name(t, "ghcr.io/near/mpc"), Pull: defaultPull, Node: node, Warnings: []string{
				"launcher_config.registry is deprecated; use image_reference and the pull_ keys",
				"launcher_config.image_name is deprecated; use image_reference and the pull_ keys",
				"launcher_config.image_tags is deprecated; use image_reference and the pull_ keys",
				"launcher_config.rpc_max_attempts is deprecated; use image_reference and the pull_ keys"}}},
		{"unknown keys", "other = 1\n" + toTOML("image = 'a/b'\nplatform = 'NONTEE'\n"),
			Config{Image: name(t, "a/b"), Pull: defaultPull, Node: node, Warnings: []string{
				"other is not known and has no effect", "launcher_config.platform is not known and has no effect"}}},
		{"dotted", "launcher_config.image = 'a/b'\nmpc_node_config = {home_dir = '/data'}\n",
			Config{Image: name(t, "a/b"), Pull: defaultPull, Node: node}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&c.want, got, unexported); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestDotEnv is for SECURITY.md: U1.
func TestDotEnv(t *testing.T) {
	override, _ := oci.ParseDigest(digest)
	text := `# a comment
MPC_IMAGE_NAME=nearone/mpc-node
MPC_REGISTRY=registry.hub.docker.com
MPC_IMAGE_TAGS=latest,main
MPC_HASH_OVERRIDE=` + digest + `

PORTS=80:8080, 3030:3030
MPC_ACCOUNT_ID=a.near
NEAR_BOOT_NODES=ed25519:x@1.2.3.4:5
RUST_LOG=info,mpc=debug
MPC_P2P_PRIVATE_KEY=secret
MPC_ACCOUNT_SK=secret
MPC_IMAGE_HASH=forged
DSTACK_ENDPOINT=/tmp/evil.sock
LD_PRELOAD=/tmp/evil.so
MPC_X=/tmp/LD_PRELOAD
`
	got, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name, why string) string {
		return "the variable " + name + " does not reach the container: " + why
	}
	want := &Config{
		Image: name(t, "nearone/mpc-node"), Override: override, Ports: []Port{{80, 8080}, {3030, 3030}}, Pull: defaultPull, DotEnv: true,
		Env: []string{"MPC_ACCOUNT_ID=a.near", "NEAR_BOOT_NODES=ed25519:x@1.2.3.4:5", "RUST_LOG=info,mpc=debug"},
		Warnings: []string{"MPC_IMAGE_TAGS is deprecated and has no effect",
			refused("MPC_P2P_PRIVATE_KEY", "it is a secret, or the launcher sets it"),
			refused("MPC_ACCOUNT_SK", "it is a secret, or the launcher sets it"),
			refused("MPC_IMAGE_HASH", "it is a secret, or the launcher sets it"),
			refused("DSTACK_ENDPOINT", "its name is not one of those that may"),
			refused("LD_PRELOAD", "its name is not one of those that may"),
			refused("MPC_X", "it holds LD_PRELOAD")},
	}
	if d := cmp.Diff(want, got, unexported); d != "" {
		t.Error(d)
	}
}

// TestDotEnvLimits: whatever the file has, a limited number of bytes reaches the container.
func TestDotEnvLimits(t *testing.T) {
	var many, large strings.Builder
	for i := range 65 {
		fmt.Fprintf(&many, "MPC_V%02d=x\n", i)
	}
	for i := range 40 {
		fmt.Fprintf(&large, "MPC_V%02d=%s\n", i, strings.Repeat("x", 1000))
	}
	for _, c := range []struct {
		name, text string
		reach      int
		warning    string
	}{
		{"65 variables", many.String(), 64, "MPC_V64 does not reach the container: there are more than 64"},
		{"40 KB", large.String(), 32, "MPC_V32 does not reach the container: the variables are larger than 32 KiB"},
		{"1,024 bytes", "MPC_V=" + strings.Repeat("x", 1024), 1, ""},
		{"1,025 bytes", "MPC_V=" + strings.Repeat("x", 1025), 0, "longer than 1,024 bytes"},
		{"long name", "MPC_" + strings.Repeat("V", 65) + "=x", 0, "not one of those"},
		{"control character", "MPC_V=a\x01b", 0, "control character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse([]byte("MPC_IMAGE_NAME=a/b\n" + c.text))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Env) != c.reach || !strings.Contains(strings.Join(got.Warnings, "\n"), c.warning) {
				t.Errorf("%d reach the container, warnings %q", len(got.Env), got.Warnings)
			}
		})
	}
}

// TestRefused is for SECURITY.md: U1.
func TestRefused(t *testing.T) {
	const secret = "hunter2"
	for _, c := range []struct{ name, text, reason string }{
		{"no TOML", "[launcher_config\n" + secret, "line 1: is not TOML"},
		{"no launcher table", "[mpc_node_config]\n", "launcher_config: is not there"},
		{"no node table", "[launcher_config]\nimage = 'a/b'\n", "mpc_node_config: is not there"},
		{"no image", toTOML(""), "image_reference: is not there"},
		{"both names of it", toTOML("image = 'a/b'\nimage_reference = 'a/b'"), "image: is another name of image_reference"},
		{"image with a digest", toTOML("image = 'a/b@" + digest + "'"), "image_reference: has a digest"},
		{"no name at all", toTOML("image = 'A B'"), "image_reference: is not [registry"},
		{"image is a number", toTOML("image = 5"), "image: is not a string"},
		{"reference is a number", toTOML("image_reference = 5"), "image_reference: is not a string"},
		{"registry is a number", toTOML("registry = 5\nimage_name = 'a'"), "registry: is not a string"},
		{"name is a number", toTOML("registry = 'a.b'\nimage_name = 5"), "image_name: is not a string"},
		{"name beside a registry is none", toTOML("registry = 'a.b'\nimage_name = 'A B'"), "registry and image_name: is not [registry"},
		{"registry is no host", toTOML("registry = 'team'\nimage_name = 'a'"), "is not the host of a registry"},
		{"override in capitals", toTOML("image = 'a/b'\nmpc_hash_override = '" + strings.ToUpper(digest) + "'"), "mpc_hash_override: is not sha256:"},
		{"override short", toTOML("image = 'a/b'\nmpc_hash_override = 'sha256:" + secret + "'"), "mpc_hash_override: is not sha256:"},
		{"port 0", toTOML("image = 'a/b'\nport_mappings = [{host = 0, container = 1}]"), "entry 1: a port is not between"},
		{"port 65536", toTOML("image = 'a/b'\nport_mappings = [{host = 1, container = 65536}]"), "entry 1: a port is not between"},
		{"port as text", toTOML("image = 'a/b'\nport_mappings = [{host = '1', container = 1}]"), "entry 1 is not {"},
		{"port with more", toTOML("image = 'a/b'\nport_mappings = [{host = 1, container = 1, ip = '::'}]"), "entry 1 has more than"},
		{"host port twice", toTOML("image = 'a/b'\nport_mappings = [{host = 1, container = 1}, {host = 1, container = 2}]"), "host port 1 is given twice"},
		{"ports no list", toTOML("image = 'a/b'\nport_mappings = 5"), "port_mappings: is not a list"},
		{"retries below 0", toTOML("image = 'a/b'\npull_max_retries = -1"), "pull_max_retries: is not a whole number"},
		{"delay of 0", toTOML("image = 'a/b'\npull_max_delay_secs = 0"), "pull_max_delay_secs: is not a whole number"},
		{"tables in tables", toTOML("image = 'a/b'") + "x" + strings.Repeat(".a", 20_000) + " = 1\n", "mpc_node_config: is nested more than 64 levels deep"},
		{"lists in lists", toTOML("image = 'a/b'") + "x = " + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "\n", "mpc_node_config: is nested more than 64 levels deep"},
		{"nothing", "", "is empty"},
		{"nothing but comments", "# MPC_IMAGE_NAME=a/b\r\n\n", "is empty"},
		{"as large as may be", strings.Repeat("#", 1<<20), "is empty"},
		{"too large", strings.Repeat("#", 1<<20+1), "larger than"},
		{"no UTF-8", "MPC_A=\xff", "not valid UTF-8"},
		{"byte-order mark", "\ufeffMPC_A=b", "line 1: begins with a byte-order mark"},
		{"env: no =", "MPC_A=1\n" + secret, "line 2: is not NAME=VALUE"},
		{"env: twice", "MPC_A=1\nMPC_A=" + secret, "line 2: MPC_A: is given twice"},
		{"env: quoted", "MPC_A=\"" + secret + "\"", "line 1: MPC_A: can be read in two ways"},
		{"env: expanded", "MPC_B=x\nMPC_A=$MPC_B", "line 2: MPC_A: can be read in two ways"},
		{"env: comment", "MPC_A=" + secret + " # x", "line 1: MPC_A: can be read in two ways"},
		{"env: export", "export MPC_A=" + secret, "line 1: has no name"},
		{"env: YAML", "MPC_A: " + secret + "=x", "line 1: has no name"},
		{"env: two lines in quotes", "MPC_A='x\nMPC_B=y'", "can be read in two ways"},
		{"env: contradiction", "MPC_IMAGE_NAME=a/b\nLAUNCHER_IMAGE_NAME=a/c", "line 2: LAUNCHER_IMAGE_NAME: contradicts MPC_IMAGE_NAME"},
		{"env: ports", "MPC_IMAGE_NAME=a/b\nPORTS=80", "line 2: PORTS: is not a list"},
		{"env: port on an address", "MPC_IMAGE_NAME=a/b\nPORTS=127.0.0.1:80:80", "line 2: PORTS: is not a list"},
		{"env: override", "MPC_IMAGE_NAME=a/b\nMPC_HASH_OVERRIDE=" + digest[7:], "line 2: MPC_HASH_OVERRIDE: is not sha256:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse([]byte(c.text))
			if got != nil {
				t.Errorf("a config comes with the error: %+v", got)
			}
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.reason) {
				t.Fatalf("error %v", err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds a value: %v", err)
			}
		})
	}
}

// TestFullName: the name keeps a registry that is not the default.
func TestFullName(t *testing.T) {
	for _, c := range []struct{ registry, name, want string }{
		{"", "nearone/mpc-node", "docker.io nearone/mpc-node"},
		{"registry.hub.docker.com", "nearone/mpc-node", "docker.io nearone/mpc-node"},
		{"https://index.docker.io/", "nearone/mpc-node", "docker.io nearone/mpc-node"},
		{"ghcr.io", "near/mpc", "ghcr.io near/mpc"},
		{"ghcr.io", "ghcr.io/near/mpc", "ghcr.io near/mpc"},
		{"localhost:5000", "mpc", "localhost:5000 mpc"},
		{"docker.io", "ghcr.io/near/mpc", "ghcr.io near/mpc"},
	} {
		n, err := fullName(c.registry, c.name)
		if got := n.Domain() + " " + n.Path(); err != nil || got != c.want {
			t.Errorf("%s and %s: %s, %v", c.registry, c.name, got, err)
		}
	}
}

// FuzzParse: every refusal is an *[Error], and only variables that may reach the container
// do.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%T", err)
			}
			return
		}
		if c.Image.Path() == "" || len(c.Env) > maxVariables {
			t.Fatalf("%+v", c)
		}
		for _, v := range c.Env {
			name, value, _ := strings.Cut(v, "=")
			if refuse(variable{0, name, value}) != "" {
				t.Fatalf("%q reaches the container", v)
			}
		}
		for _, p := range c.Ports {
			if p.Host == 0 || p.Container == 0 {
				t.Fatalf("port %v", p)
			}
		}
	})
}
