package imagepin

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/userconfig"
	"gitlauncher/internal/printable"
	"gitlauncher/measure"
)

// Profile describes the container that an image becomes. [MPC] is built in. Another
// product has a TOML file with the same keys; the compose mounts it, and so measures it.
type Profile struct {
	Name    string `toml:"name"`    // of the container
	Project string `toml:"project"` // of Docker Compose, for the container's labels
	Service string `toml:"service"` // the same
	Network string `toml:"network"` // a bridge network, which is made if it does not exist

	Command     []string `toml:"command"`      // for a TOML user config; empty for the image's own
	Env         []string `toml:"env"`          // NAME=VALUE
	Mounts      []string `toml:"mounts"`       // SOURCE:TARGET[:ro]
	SecurityOpt []string `toml:"security_opt"` // as the Docker Engine takes it

	// In a TEE, in addition to Env and Mounts.
	TEEEnv    []string `toml:"tee_env"`
	TEEMounts []string `toml:"tee_mounts"`

	// Absolute paths in the container, which the launcher tells the workload.
	ApprovedFile   string `toml:"approved_file"`
	DstackEndpoint string `toml:"dstack_endpoint"`
}

// MPC returns the profile of NEAR's MPC node (doc/image-mode.md).
func MPC() *Profile {
	const socket = "/var/run/dstack.sock"
	return &Profile{
		Name: "mpc-node", Project: "mpc-node", Service: "mpc-node", Network: "mpc-node_default",
		Command:      []string{"/app/mpc-node", "start-with-config-file", "/mnt/shared/mpc-config.toml"},
		Mounts:       []string{"/tapp:/tapp:ro", "shared-volume:/mnt/shared", "mpc-data:/data"},
		SecurityOpt:  []string{"no-new-privileges:true"},
		TEEEnv:       []string{"DSTACK_ENDPOINT=" + socket},
		TEEMounts:    []string{socket + ":" + socket},
		ApprovedFile: "/mnt/shared/image-digest.bin", DstackEndpoint: socket,
	}
}

// ProfileError says why a profile was refused.
type ProfileError struct{ Reason string }

func (e *ProfileError) Error() string { return "profile: " + e.Reason }

// ParseProfile reads a profile. It requires name, project, service, network, approved_file
// and dstack_endpoint, and refuses a key that [Profile] does not have. The error is a
// *[ProfileError].
func ParseProfile(data []byte) (*Profile, error) {
	var p Profile
	dec := toml.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return nil, &ProfileError{printable.Line(err.Error())}
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return &p, nil
}

// These are compiled only when they are needed, since git mode starts without them.
var (
	dockerName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$`) })
	envEntry   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=[^\x00-\x1f\x7f]*$`) })
)

func (p *Profile) check() error {
	for _, n := range []struct{ key, value string }{{"name", p.Name}, {"project", p.Project}, {"service", p.Service}, {"network", p.Network}} {
		if !dockerName().MatchString(n.value) {
			return &ProfileError{n.key + " is not a name that Docker accepts"}
		}
	}
	if slices.Contains([]string{"host", "none", "bridge", "default"}, p.Network) {
		return &ProfileError{"network must not be " + p.Network + ", which is Docker's own"}
	}
	if !path.IsAbs(p.ApprovedFile) || !path.IsAbs(p.DstackEndpoint) {
		return &ProfileError{"approved_file and dstack_endpoint must be absolute paths in the container"}
	}
	for _, e := range slices.Concat(p.Env, p.TEEEnv) {
		if !envEntry().MatchString(e) {
			return &ProfileError{"env is not a list of NAME=VALUE"}
		}
	}
	seen := make(map[string]bool)
	for _, m := range slices.Concat(p.Mounts, p.TEEMounts) {
		mount, err := ParseMount(m)
		if err != nil || seen[mount.Target] {
			return &ProfileError{"mounts is not a list of SOURCE:TARGET[:ro] with absolute targets, each once"}
		}
		seen[mount.Target] = true
	}
	return nil
}

// Mount is a volume or a path of the VM that the container sees at Target.
type Mount struct {
	Source, Target string
	ReadOnly       bool
}

// Volume reports whether the source is the name of a volume.
func (m Mount) Volume() bool { return !path.IsAbs(m.Source) }

// ParseMount reads SOURCE:TARGET[:ro]. Both must be clean absolute paths, but the source may
// be the name of a volume.
func ParseMount(s string) (Mount, error) {
	source, rest, _ := strings.Cut(s, ":")
	target, option, hasOption := strings.Cut(rest, ":")
	m := Mount{source, target, option == "ro"}
	good := path.IsAbs(target) && path.Clean(target) == target && target != "/" && (!hasOption || m.ReadOnly) &&
		(path.IsAbs(source) && path.Clean(source) == source || dockerName().MatchString(source))
	if !good {
		return Mount{}, fmt.Errorf("%q is not SOURCE:TARGET[:ro]", s)
	}
	return m, nil
}

// Describe returns the description of an image's container. tee says whether it runs in a
// TEE. With a .env user config the container runs the image's own command, with the
// variables that the file may set and those that the launcher sets.
func (p *Profile) Describe(image *Image, user *userconfig.Config, tee bool) *measure.Container {
	c := &measure.Container{
		Name: p.Name, Image: image.Reference(), Network: p.Network, Restart: "no",
		Command: p.Command, Env: slices.Clone(p.Env), Mounts: slices.Clone(p.Mounts), SecurityOpt: p.SecurityOpt,
	}
	if tee {
		c.Env, c.Mounts = append(c.Env, p.TEEEnv...), append(c.Mounts, p.TEEMounts...)
	}
	if user.DotEnv {
		c.Command = nil
		c.Env = append(c.Env, "MPC_IMAGE_HASH="+image.Approved.Hex(), "MPC_LATEST_ALLOWED_HASH_FILE="+p.ApprovedFile)
		c.Env = append(c.Env, others(user.Env, c.Env)...)
	}
	for _, port := range user.Ports {
		c.Ports = append(c.Ports, fmt.Sprintf("%d:%d/tcp", port.Host, port.Container))
	}
	return c
}

// others returns the variables whose names are not taken.
func others(env, taken []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.ContainsFunc(taken, func(t string) bool { return strings.HasPrefix(t, name+"=") })
	})
}

// NodeConfig returns the bytes of the file that the node reads. The operator's settings are
// in it, and the table tee, which only the launcher writes. The error is a
// *[userconfig.Error].
func (p *Profile) NodeConfig(user *userconfig.Config, approved oci.Digest, tee bool) ([]byte, error) {
	const table = "mpc_node_config."
	if _, ok := user.Node["tee"]; ok {
		return nil, &userconfig.Error{Key: table + "tee", Reason: "is a table that only the launcher writes"}
	}
	if _, ok := user.Node["gcp"]; ok && tee {
		return nil, &userconfig.Error{Key: table + "gcp", Reason: "is not allowed in a TEE, because it could move keys out of it"}
	}
	authority := map[string]any{"type": "local"}
	if tee {
		authority = map[string]any{"type": "dstack", "dstack_endpoint": p.DstackEndpoint}
	}
	file := make(map[string]any, len(user.Node)+1)
	for k, v := range user.Node {
		file[k] = v
	}
	file["tee"] = map[string]any{
		"image_hash": approved.String(), "latest_allowed_hash_file_path": p.ApprovedFile, "authority": authority,
	}
	out, err := toml.Marshal(file)
	if err != nil {
		return nil, &userconfig.Error{Key: "mpc_node_config", Reason: "can't be written as TOML again"} // err may quote a value
	}
	return out, nil
}
