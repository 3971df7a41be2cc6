package boot

import (
	"testing"

	"gitlauncher/measure"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
)

// TestKind: the catalogue says which systems let somebody log in, by the quote's RTMR2
// or by the image that was compared.
// SECURITY.md: P5.
func TestKind(t *testing.T) {
	images := map[string]measure.Register{"dstack-1.0": {1}, "dstack-dev-1.0": {2}, "dstack-nvidia-dev-1.0": {3}, "dstack-device-1.0": {4}}
	known := new(catalogue.Catalogue)
	for name, rtmr2 := range images {
		known.Images = append(known.Images, catalogue.Image{Image: system.Image{Name: name, Hash: name, Sets: []system.Set{{RTMR2: &rtmr2}}}})
	}
	j := judge{systems: known}
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
