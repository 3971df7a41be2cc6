package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"gitlauncher/verify/compose"
)

// TestKindInABatch: what is remembered of a compose on one kind of system is not
// reported for another.
func TestKindInABatch(t *testing.T) {
	const script = "echo published"
	sum := sha256.Sum256([]byte(script))
	data := []byte(`{"runner":"docker-compose","pre_launch_script":"` + script + `","docker_compose_file":"services: {launcher: {image: launcher}}"}`)
	shared := NewShared()
	for _, tc := range []struct {
		system compose.System
		want   int
	}{{compose.Production, 0}, {compose.Development, 1}, {compose.Unknown, 1}, {compose.Production, 0}} {
		r, err := shared.compose(t.Context(), data, compose.Expect{System: tc.system, Scripts: map[string]string{hex.EncodeToString(sum[:]): "1"}})
		if err != nil {
			t.Fatal(err)
		}
		said := 0
		for _, p := range r.Problems {
			if p.Name == "pre_launch_script" {
				said++
			}
		}
		if said != tc.want {
			t.Errorf("on a system of kind %d the script is a problem %d times", tc.system, said)
		}
	}
}
