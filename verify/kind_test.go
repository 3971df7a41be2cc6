package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"gitlauncher/measure"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
)

// TestKind: which systems let somebody log in is what the catalogue says of the quote's
// RTMR2, or of the image that was compared.
// SECURITY.md: P5.
func TestKind(t *testing.T) {
	images := map[string]measure.Register{"dstack-1.0": {1}, "dstack-dev-1.0": {2}, "dstack-nvidia-dev-1.0": {3}, "dstack-device-1.0": {4}}
	known := new(catalogue.Catalogue)
	for name, rtmr2 := range images {
		known.Images = append(known.Images, catalogue.Image{Image: system.Image{Name: name, Hash: name, Sets: []system.Set{{RTMR2: &rtmr2}}}})
	}
	j := &judge{Params: Params{Systems: known}}
	for name, want := range map[string]compose.System{
		"dstack-1.0": compose.Production, "dstack-dev-1.0": compose.Development, "dstack-nvidia-dev-1.0": compose.Development,
		"dstack-device-1.0": compose.Production, "another": compose.Unknown,
	} {
		q := &quote.Quote{RTMR: [4]measure.Register{2: images[name]}}
		if got := j.kind(q, &system.Result{}); got != want {
			t.Errorf("%s by its RTMR2 is %d", name, got)
		}
		if got := j.kind(new(quote.Quote), &system.Result{Image: &system.Image{Name: name}}); got != want {
			t.Errorf("%s by its name is %d", name, got)
		}
	}
	if got := catalogue.BuiltIn(); len(got.Images) == 0 {
		t.Error("this program knows no system")
	}
}

// TestKindInABatch: what is remembered of a compose on one system is not said of it on
// another.
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
