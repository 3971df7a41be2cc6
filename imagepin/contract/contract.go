// Package contract has the compose file that NEAR's MPC contract allows, byte for byte.
//
// The contract keeps SHA-256 hashes of that file, one for each launcher and node image
// that were voted, and compares the one that a node's quote proves with them. A blank
// more, and the node's attestation fails. So the file is not written by hand: it is
// rendered here as the contract renders it.
//
// Source: near/mpc, crates/contract/assets/launcher_docker_compose.yaml.template and
// get_docker_compose_hash in crates/contract/src/tee/proposal.rs. What it does not know
// is which images were voted: that is on the chain.
package contract

import (
	_ "embed"
	"strings"

	"gitlauncher/imagepin/oci"
)

// LauncherName is the image name that the template fixes: a launcher can be allowed
// under this name alone.
const LauncherName = "nearone/mpc-launcher"

//go:embed launcher_docker_compose.yaml.template
var template string

// Compose is the compose file for a launcher and the node image that is used until the
// node has written its list.
func Compose(launcher, node oci.Digest) []byte {
	return []byte(strings.NewReplacer(
		"{{LAUNCHER_IMAGE_HASH}}", launcher.Hex(),
		"{{DEFAULT_IMAGE_DIGEST_HASH}}", node.Hex(),
	).Replace(template))
}
