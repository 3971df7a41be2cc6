package appcompose

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// published are the forms of Phala Cloud's pre_launch_script, by the SHA-256 of
// their text without line breaks at its ends, with version and commit. Source:
// phala-cloud-prelaunch-script/prelaunch.sh in the history of
// github.com/Dstack-TEE/dstack-examples, as of November 2026.
//
// All of them log in to a registry with the deployer's credentials, remove unused
// images and volumes (from 0.0.15 on they pull images, too), set root's password and
// SSH keys from variables (from 0.0.11 on, keys from the host's user_config, too), and
// export DSTACK_APP_ID and, from 0.0.6 on, DSTACK_GATEWAY_DOMAIN and DSTACK_APP_DOMAIN.
// A production image has neither an SSH server nor a login, so nobody can use password
// and keys there.
var published = map[string]string{
	"baf30240268640f8d98e2f25b04ffdeaab2fcdb31100b2652f8a4d30fab2fdd3": "0.0.4 (6ca3bd1)",
	"98b2c5fc229e33e1f9ceca677c42cb0165e0b2d0315797892516416a70c509c7": "0.0.5 (00572ea)",
	"07ae3d9ecf223be6fc157cda98f57b38cc9175f50ea2640a13fcc3e0d6ad38e1": "0.0.6 (a4479c5)",
	"f127afc7296c4d4d8dc17f3d7bafd31bdcd7960530a9e6bc1d9003389bd3a6a6": "0.0.7 (8f170d7)",
	"8e4a34a4915b7abb84654613d8d929150de2d8b93822a11678310365bdc43255": "0.0.7 (58bfbe8)",
	"a2cba70e5df0d985f3d57c67f993d261d4f6d23cc6e0cb5d4b7cc06a9f31a05f": "0.0.8 (418d26e)",
	"07aa80939c2766f6ac8a815862d37131bb6965d110ae594111150f65744056c1": "0.0.8 (034f076)",
	"eab12f120ce15d72f6770e33720bd234a976ee7b291c88b610ba6ebbd87f3d6e": "0.0.10 (bd14fd0)",
	"dca9d83072c25283e8ae03e3609746c289ffd48b20992f3c2dfbecd0504cb2b4": "0.0.11 (b91c00e)",
	"bac62a015a3d325353c69f07a7d302b163daec1d51ce65085c9bc6c0230af233": "0.0.12 (4c4d354)",
	"94982f89f904852b5b3617229cb9e495d9d0b6a4b215e96672f4a8e23c0e1a9d": "0.0.13 (6fa4bb2)",
	"2de6b1ca44ee7b2f469c16966a7fbca4e6262dbc40952a13150a2bfe5a73d766": "0.0.14 (e51e2a3)",
	"8b64551ccc34ed087a67e8ca41af19adb29155d490b049a6275798b61e962bd7": "0.0.15 (d358c32)",
	"012d35ac075529308c00951a3bc0992772bd96a2f7ca52861e2902fd16a98c9a": "0.0.16 (474ab96)",
	"83f8deb4a6d220bee3e2129327c3470f17d7e627ba5e0188c220f8d2f874fbc5": "0.0.16 (0593b4b)",
	"df9fec92f27be6e8ce7c15458a9179c5c6c38973f48bc415e1c48c7261aba976": "0.0.16 (0f71d18)",
	"b2e72e05ce3897c48461e117b8af93d1180f8fd47a1a75299e505d08a8fe1e02": "0.0.16 (c4579ce)",
	"000a7271b4a7c714eabf7e449d588d2bdca9030d68ca4c1887d02ffe30e83b3c": "0.0.17 (deb6808)",
	"dff5c66d04aef10b4efe83285eb92aa3433e9697ff316e912af2817eaf186394": "0.0.18 (d3fb09c)",
	"b8a42178d4dcba3107fbcc5eb5ba154432ddfc170aa0295f5c666f163c2526fc": "0.0.19 (c021d8b)",
}

// PublishedScript returns the version of a published pre_launch_script of Phala Cloud,
// or "". further has versions by hash that the caller knows besides.
func PublishedScript(script string, further map[string]string) string {
	sum := sha256.Sum256([]byte(strings.Trim(script, "\n")))
	hash := hex.EncodeToString(sum[:])
	if version, known := published[hash]; known {
		return version
	}
	return further[hash]
}

// Steering returns the first of the allowed variables that makes a published script do
// more than is said of it, or "".
func Steering(allowed []string) string {
	for _, env := range allowed {
		if slices.Contains(steering, strings.ToUpper(env)) {
			return env
		}
	}
	return ""
}

// steering are the variables that make a published script do more than is said of it:
// log somebody in, or run a program of which only an MD5 sum is known.
var steering = []string{"DSTACK_ROOT_PASSWORD", "DSTACK_ROOT_PUBLIC_KEY", "DSTACK_AUTHORIZED_KEYS", "DSTACK_AWS_ECR_REGISTRY"}
