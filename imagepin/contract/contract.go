// Package contract has the compose file that NEAR's MPC contract allows, byte for byte.
//
// The contract has a SHA-256 hash of that file for each launcher and node image that were
// voted in, and a node's quote must prove one of them. With one blank too many, the node's
// attestation fails. So nobody should write the file by hand: this package renders it as
// the contract does.
//
// Source: near/mpc, crates/contract/assets/launcher_docker_compose.yaml.template and
// get_docker_compose_hash in crates/contract/src/tee/proposal.rs. The package does not
// know which images were voted in; the chain does.
package contract

import (
	_ "embed"
	"strings"

	"gitlauncher/imagepin/oci"
)

// LauncherName is the image name in the template. The contract can allow a launcher under
// this name only.
const LauncherName = "nearone/mpc-launcher"

//go:embed launcher_docker_compose.yaml.template
var template string

// Compose returns the compose file for a launcher and the node image that runs until the
// node has written its list.
func Compose(launcher, node oci.Digest) []byte {
	return []byte(strings.NewReplacer(
		"{{LAUNCHER_IMAGE_HASH}}", launcher.Hex(),
		"{{DEFAULT_IMAGE_DIGEST_HASH}}", node.Hex(),
	).Replace(template))
}
