package container

import (
	"testing"

	"github.com/moby/moby/api/types/container"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/oci"
	"gitlauncher/measure"
)

// TestUndescribed: a container that can't be described is neither created nor taken for the
// wanted one.
func TestUndescribed(t *testing.T) {
	found, ok := Inspected(container.InspectResponse{State: new(container.State), Config: new(container.Config), HostConfig: new(container.HostConfig), NetworkSettings: new(container.NetworkSettings)})
	if !ok {
		t.Fatal("a container is not described")
	}
	for name, description := range map[string]measure.Container{
		"a port":  {Ports: []string{"1:x"}, Mounts: []string{"/a:/b"}},
		"a mount": {Ports: []string{"1:1/tcp"}, Mounts: []string{"/a"}},
		"a name":  {Name: "\xff", Ports: []string{"1:1/tcp"}, Mounts: []string{"/a:/b"}},
	} {
		w := &Wanted{Proven: &imagepin.Image{Config: new(oci.Config)}, Profile: imagepin.MPC(), Container: description}
		if _, err := w.Options(); err == nil {
			t.Errorf("%s: it is created", name)
		}
		if d := new(Traits).Differences(found, w, ""); len(d) != 1 || d[0] != "it can't be described" {
			t.Errorf("%s: %q", name, d)
		}
	}
}
