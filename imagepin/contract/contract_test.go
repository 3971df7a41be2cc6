package contract

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/testenv"
)

// templateSum is the SHA-256 of the template in near/mpc at b0b6b7167, August 2026.
const templateSum = "4178791d5991d92083837cc1ded9de6eb195b608b96c0963bc51abd345051b70"

// TestTemplate: every byte of the template is the contract's.
func TestTemplate(t *testing.T) {
	if sum := fmt.Sprintf("%x", sha256.Sum256([]byte(template))); sum != templateSum {
		t.Errorf("the template has hash %s", sum)
	}
	if published := testenv.ReadFixture(t, "near-launcher-compose.template"); !bytes.Equal(published, []byte(template)) {
		t.Error("the published template differs")
	}
}

// TestCompose: the digests are where the contract puts them, and no placeholder is left.
func TestCompose(t *testing.T) {
	launcher, node := oci.Sum([]byte("launcher")), oci.Sum([]byte("node"))
	got := string(Compose(launcher, node))
	want := strings.ReplaceAll(strings.ReplaceAll(template, "{{LAUNCHER_IMAGE_HASH}}", launcher.Hex()), "{{DEFAULT_IMAGE_DIGEST_HASH}}", node.Hex())
	if got != want || strings.Contains(got, "{{") {
		t.Errorf("%s", got)
	}
	for _, line := range []string{"    image: " + LauncherName + "@" + launcher.String() + "\n", "      - DEFAULT_IMAGE_DIGEST=" + node.String() + "\n"} {
		if strings.Count(got, line) != 1 {
			t.Errorf("%q is not there once", line)
		}
	}
}

// TestShipped: the compose file that is shipped is the contract's, with digests of zeros.
func TestShipped(t *testing.T) {
	shipped, err := os.ReadFile("../../image/compose/mpc-tee.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if want := Compose(oci.Digest{}, oci.Digest{}); !bytes.Equal(shipped, want) {
		t.Errorf("image/compose/mpc-tee.yaml is\n%s\nnot\n%s", shipped, want)
	}
}
