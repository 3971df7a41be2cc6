package compose_test

import (
	"strings"
	"testing"

	"gitlauncher/verify/compose"
)

// TestOneWording: image mode is pinned by words that Compose and the launcher read as
// they are read here. A blank that only some readers split at joins “none” with what
// follows, and the launcher heeds only variables in upper case. So in each of these
// cases a file of approved digests would be consulted.
// SECURITY.md: P8.
func TestOneWording(t *testing.T) {
	const variables = "environment:\n  PLATFORM: TEE\n  DOCKER_CONTENT_TRUST: 1\n  DEFAULT_IMAGE_DIGEST: sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
	for name, tc := range map[string]struct{ service, exception, what string }{
		"a no-break space": {variables + `command: "--approved none\u00a0--receipt-log"`, "launcher:command", "has a command with quotes"},
		"a vertical tab":   {variables + `command: "--approved none\x0b--receipt-log"`, "launcher:command", "has a command with quotes"},
		"a wide space":     {variables + `command: "--approved none\u3000--receipt-log"`, "launcher:command", "has a command with quotes"},
		"mixed case":       {variables + "  GIT_LAUNCHER_Approved: none", "launcher:env:GIT_LAUNCHER_Approved", "sets GIT_LAUNCHER_Approved, which is not in upper case"},
	} {
		r := judge(t, file(tc.service), nil, compose.Expect{Image: true})
		_, refused := of(r, tc.exception)
		if r.Pinned || len(refused) != 1 || !strings.HasPrefix(refused[0].What, tc.what) {
			t.Errorf("%s: pinned %v, %+v", name, r.Pinned, r.Problems)
		}
	}
	for _, good := range []string{variables + `command: "--approved  none\t--receipt-log"`, variables + "  GIT_LAUNCHER_APPROVED: none"} {
		if r := judge(t, file(good), nil, compose.Expect{Image: true}); !r.Pinned || len(r.Problems) > 0 {
			t.Errorf("%s: pinned %v, %v %+v", good, r.Pinned, r.Unpinned, r.Problems)
		}
	}
}
