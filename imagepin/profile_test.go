package imagepin

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pelletier/go-toml/v2"

	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/userconfig"
	"gitlauncher/measure"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}

// approvedDigest is the digest in the golden files.
var approvedDigest, _ = oci.ParseDigest("sha256:" + strings.Repeat("0123456789abcdef", 4))

func userConfig(t *testing.T, text string) *userconfig.Config {
	t.Helper()
	c, err := userconfig.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const tomlConfig = `[launcher_config]
image_reference = "nearone/mpc-node:3.4.1"
port_mappings = [{ host = 11780, container = 11780 }, { host = 80, container = 8080 }]

[mpc_node_config]
home_dir = "/data"
ratio = 1.0
big = 9223372036854775807
when = 1979-05-27T07:32:00Z
day = 1979-05-27
empty = []
text = """two
lines"""
"odd key" = 'x'

[mpc_node_config.node]
my_near_account_id = "a.near"
[[mpc_node_config.node.peer]]
host = "1.2.3.4"
[[mpc_node_config.node.peer]]
host = "1.2.3.5"
`

const dotEnvConfig = `MPC_IMAGE_NAME=nearone/mpc-node
PORTS=11780:11780
MPC_ACCOUNT_ID=a.near
RUST_LOG=info
`

// TestGolden pins the bytes that others read: the node reads its config, and a verifier the
// description of the container.
func TestGolden(t *testing.T) {
	name, err := oci.ParseName("nearone/mpc-node:3.4.1")
	if err != nil {
		t.Fatal(err)
	}
	i := &Image{Name: name, Approved: approvedDigest}
	for _, c := range []struct {
		file string
		user string
		tee  bool
	}{
		{"tee", tomlConfig, true},
		{"nontee", tomlConfig, false},
		{"dotenv-tee", dotEnvConfig, true},
		{"dotenv-nontee", dotEnvConfig, false},
	} {
		user := userConfig(t, c.user)
		out, err := MPC().Describe(i, user, c.tee).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "container-"+c.file+".json", append(out, '\n'))
		if user.DotEnv {
			continue
		}
		config, err := MPC().NodeConfig(user, approvedDigest, c.tee)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "mpc-config-"+c.file+".toml", config)
		var again map[string]any
		if err := toml.Unmarshal(config, &again); err != nil {
			t.Fatal(err)
		}
		delete(again, "tee")
		if d := cmp.Diff(user.Node, again); d != "" {
			t.Errorf("%s: the node does not get its own settings: %s", c.file, d)
		}
	}
	record := measure.ImageRecord{
		Launcher: "v1.0.0", ConfigSHA256: strings.Repeat("1", 64), Image: name.String(), ApprovedDigest: approvedDigest.String(),
		ManifestDigest: approvedDigest.String(), ConfigDigest: oci.Sum(nil).String(), Platform: "linux/amd64", ContainerSHA256: strings.Repeat("2", 64),
	}
	out, err := record.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "image-launch.json", append(out, '\n'))
	if measure.EventImageDigest != "mpc-image-digest" || measure.EventImageLaunch != "image-launch" || len(approvedDigest[:]) != 32 {
		t.Error("the names of the events are part of the contract")
	}
}

// TestNodeConfigRefused: the operator can't set what the launcher sets.
// SECURITY.md: U1.
func TestNodeConfigRefused(t *testing.T) {
	const head = "[launcher_config]\nimage = 'a/b'\n[mpc_node_config]\n"
	for _, c := range []struct {
		name, text string
		tee, good  bool
	}{
		{"tee table", head + "[mpc_node_config.tee]\nimage_hash = 'x'\n", true, false},
		{"tee table without a TEE", head + "tee = 1\n", false, false},
		{"dotted tee", head + "tee.authority.type = 'local'\n", true, false},
		{"gcp in a TEE", head + "[mpc_node_config.gcp]\nproject = 'x'\n", true, false},
		{"gcp without a TEE", head + "[mpc_node_config.gcp]\nproject = 'x'\n", false, true},
	} {
		_, err := MPC().NodeConfig(userConfig(t, c.text), approvedDigest, c.tee)
		if (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

const profileTOML = `name = "other"
project = "p1"
service = "s1"
network = "p1_default"
command = ["/app", "run"]
mounts = ["other-data:/data"]
security_opt = ["no-new-privileges:true"]
approved_file = "/mnt/a.json"
dstack_endpoint = "/var/run/dstack.sock"
`

func TestProfile(t *testing.T) {
	if p, err := ParseProfile([]byte(profileTOML)); err != nil || p.Name != "other" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, c := range []struct{ name, from, to string }{
		{"unknown key", "name =", "privileged = true\nname ="},
		{"no name", `name = "other"`, ""},
		{"name with a slash", `"other"`, `"a/b"`},
		{"the host's network", `"p1_default"`, `"host"`},
		{"relative target", "other-data:/data", "other-data:data"},
		{"climbing target", "other-data:/data", "other-data:/data/../etc"},
		{"the root", "other-data:/data", "other-data:/"},
		{"climbing source", "other-data:/data", "/x/../etc:/data"},
		{"another option", "other-data:/data", "other-data:/data:rw"},
		{"target twice", `["other-data:/data"]`, `["other-data:/data", "x-data:/data"]`},
		{"relative approved file", `"/mnt/a.json"`, `"a.json"`},
		{"no TOML", "name", "[["},
	} {
		text := strings.Replace(profileTOML, c.from, c.to, 1)
		if p, err := ParseProfile([]byte(text)); err == nil || p != nil || text == profileTOML {
			t.Errorf("%s: was accepted", c.name)
		}
	}
}

// FuzzParseProfile: every profile that is accepted describes a container, on a network of
// its own and with mounts that can be parsed.
func FuzzParseProfile(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProfile(data)
		if err != nil {
			return
		}
		c := p.Describe(&Image{}, &userconfig.Config{}, true)
		if c.Name == "" || c.Restart != "no" || c.Network == "host" {
			t.Fatalf("%+v", p)
		}
		for _, m := range c.Mounts {
			if _, err := ParseMount(m); err != nil {
				t.Fatalf("%+v, %v", p, err)
			}
		}
	})
}

// FuzzNodeConfig: whatever the operator writes, the node reads the operator's settings and
// the launcher's tee table.
func FuzzNodeConfig(f *testing.F) {
	launcher := map[string]any{
		"image_hash": approvedDigest.String(), "latest_allowed_hash_file_path": "/mnt/shared/image-digest.bin",
		"authority": map[string]any{"type": "dstack", "dstack_endpoint": "/var/run/dstack.sock"},
	}
	f.Fuzz(func(t *testing.T, node []byte) {
		user, err := userconfig.Parse([]byte("[launcher_config]\nimage = 'a/b'\n[mpc_node_config]\n" + string(node)))
		if err != nil || user.DotEnv {
			return
		}
		written, err := MPC().NodeConfig(user, approvedDigest, true)
		if err != nil {
			return
		}
		var read map[string]any
		if err := toml.Unmarshal(written, &read); err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		want := maps.Clone(user.Node)
		want["tee"] = launcher
		if d := cmp.Diff(want, read, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("%s\n%s", d, written)
		}
	})
}

// TestSample: a launch reads the sample user config without a warning.
func TestSample(t *testing.T) {
	sample, err := os.ReadFile("../image/compose/user-config.toml")
	if err != nil {
		t.Fatal(err)
	}
	user := userConfig(t, string(sample))
	if len(user.Warnings) > 0 || user.DotEnv || user.Image.String() != "nearone/mpc-node" || len(user.Ports) != 5 || !user.Override.IsZero() {
		t.Errorf("%+v", user)
	}
	if _, err := MPC().NodeConfig(user, approvedDigest, true); err != nil {
		t.Error(err)
	}
}
