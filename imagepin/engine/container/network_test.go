package container

import (
	"slices"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/oci"
	"gitlauncher/measure"
)

// TestNetworks: a container must be in the wanted network and in no other. A network with the
// same name that was created later is another one.
// SECURITY.md: D2.
func TestNetworks(t *testing.T) {
	manifest := oci.Sum([]byte("manifest"))
	w := &Wanted{
		Proven: &imagepin.Image{Manifest: manifest, ConfigID: oci.Sum([]byte("config")), Config: new(oci.Config)}, Profile: imagepin.MPC(),
		Container: measure.Container{Name: "node", Image: "a@" + manifest.String(), Network: "net", Restart: "no"},
	}
	options, err := w.Options()
	if err != nil {
		t.Fatal(err)
	}
	traits := &Traits{Containerd: true, Runtime: "runc", LogDriver: "json-file", CgroupNS: true}
	found := func(networks map[string]*network.EndpointSettings) *Found {
		host := *options.HostConfig
		host.MaskedPaths, host.ReadonlyPaths, host.CgroupnsMode, host.LogConfig = MaskedPaths, ReadonlyPaths, "private", container.LogConfig{Type: "json-file"}
		f, ok := Inspected(container.InspectResponse{
			Name: "/node", Image: manifest.String(), State: &container.State{StartedAt: "0001-01-01T00:00:00Z"}, Config: options.Config, HostConfig: &host,
			NetworkSettings: &container.NetworkSettings{Networks: networks},
		})
		if !ok {
			t.Fatal("a container is not described")
		}
		return f
	}
	type networks = map[string]*network.EndpointSettings
	for name, tc := range map[string]struct {
		attached networks
		good     bool
	}{
		"the wanted one":                  {networks{"net": {NetworkID: "id"}}, true},
		"it, without an id yet":           {networks{"net": {}}, true},
		"it, without an endpoint":         {networks{"net": nil}, true},
		"none":                            {nil, true}, // a container that does not run may be in none
		"another of the name":             {networks{"net": {NetworkID: "older"}}, false},
		"another":                         {networks{"other": {NetworkID: "id"}}, false},
		"another, without an endpoint":    {networks{"other": nil}, false},
		"two":                             {networks{"net": {NetworkID: "id"}, "other": {NetworkID: "x"}}, false},
		"two, of which one has no id yet": {networks{"net": {}, "other": {}}, false},
	} {
		want := []string(nil)
		if !tc.good {
			want = []string{"network"}
		}
		if d := traits.Differences(found(tc.attached), w, "id"); !slices.Equal(d, want) {
			t.Errorf("%s: %q", name, d)
		}
	}
}
