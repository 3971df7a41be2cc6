package container

import (
	"strings"
	"testing"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/userconfig"
)

// TestEnvironment: the launcher's variables win over the image's, and the profile's over
// the user's.
func TestEnvironment(t *testing.T) {
	image := &imagepin.Image{Config: &oci.Config{Env: []string{"PATH=/bin", "RUST_LOG=image"}}}
	user, err := userconfig.Parse([]byte("MPC_IMAGE_NAME=a/b\nRUST_LOG=mine\n"))
	if err != nil {
		t.Fatal(err)
	}
	p := imagepin.MPC()
	p.Env = []string{"MPC_FIXED=profile"}
	user.Env = append(user.Env, "MPC_FIXED=user")
	w := &Wanted{Proven: image, Profile: p, Container: *p.Describe(image, user, false)}
	got := strings.Join(w.environment(), " ")
	if !strings.Contains(got, "RUST_LOG=mine") || strings.Contains(got, "RUST_LOG=image") || !strings.Contains(got, "PATH=/bin") || strings.Contains(got, "MPC_FIXED=user") {
		t.Errorf("%s", got)
	}
}
