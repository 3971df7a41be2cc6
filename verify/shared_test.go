package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"gitlauncher/verify/compose"
)

// TestRemembered: results are kept up to their bounds, by all of the input and by where its
// parts end.
func TestRemembered(t *testing.T) {
	s := NewShared()
	kept, computed := make(map[[32]byte]int), 0
	ask := func(input ...[]byte) int {
		return remember(s, kept, func() int { computed++; return computed }, input...)
	}
	for _, tc := range []struct {
		input [][]byte
		again bool // what it was is remembered
	}{
		{[][]byte{[]byte("ab"), []byte("c")}, true}, {[][]byte{[]byte("a"), []byte("bc")}, true}, {[][]byte{[]byte("abc")}, true}, {[][]byte{[]byte("abc"), nil}, true},
		{[][]byte{make([]byte, 64<<10)}, true}, {[][]byte{make([]byte, 32<<10), make([]byte, 32<<10)}, true}, {[][]byte{make([]byte, 64<<10+1)}, false}, {[][]byte{make([]byte, 32<<10), make([]byte, 32<<10+1)}, false},
	} {
		before := computed
		if first, second := ask(tc.input...), ask(tc.input...); first != before+1 || (second == first) != tc.again {
			t.Errorf("%d parts, the first of %d bytes: %d, then %d", len(tc.input), len(tc.input[0]), first, second)
		}
	}
	for i := range 100 {
		ask([]byte{byte(i)})
	}
	if len(kept) != 64 {
		t.Errorf("%d results are kept", len(kept))
	}
}

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
