package policydraft

import (
	"strings"
	"testing"

	"gitlauncher/policy"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
)

// TestSystem: an image that proves all registers is expected, by its name if it has
// one. A flaw that it has, or may have, is left for the reader to accept.
func TestSystem(t *testing.T) {
	proven := func(but ...system.Finding) []system.Finding {
		var all []system.Finding
		for _, name := range []string{system.FindingMRTD, system.FindingRTMR0, system.FindingRTMR1, system.FindingRTMR2} {
			f := system.Finding{Name: name, Outcome: system.Proven}
			for _, b := range but {
				if b.Name == name {
					f = b
				}
			}
			all = append(all, f)
		}
		return all
	}
	bare := system.Image{Hash: strings.Repeat("a", 64)}
	published, ok := catalogue.BuiltIn().ByName("dstack-dev-0.5.4")
	if !ok {
		t.Fatal("the catalogue has no such image")
	}
	for name, c := range map[string]struct {
		result  system.Result
		derives bool
		has     []string
		not     string
	}{
		"by hash":         {system.Result{Image: &bare, Findings: proven()}, true, []string{"\nOS_IMAGE_HASH=" + bare.Hash + "\n"}, "ACCEPT_ADVISORY"},
		"by name":         {system.Result{Image: &published.Image, Findings: proven()}, true, []string{"OS_IMAGE=dstack-dev-0.5.4\n", "\n# ACCEPT_ADVISORY=DEV-IMAGE\n"}, "\nACCEPT_ADVISORY"},
		"no findings":     {system.Result{Image: &bare}, false, []string{"# (the registers are not derivable from an image here"}, "OS_IMAGE"},
		"one is open":     {system.Result{Image: &bare, Findings: proven(system.Finding{Name: system.FindingRTMR2, Outcome: system.Open})}, false, []string{"# (the registers"}, "OS_IMAGE"},
		"one differs":     {system.Result{Image: &bare, Findings: proven(system.Finding{Name: system.FindingMRTD, Outcome: system.Differs})}, false, []string{"# (the registers"}, "OS_IMAGE"},
		"one contradicts": {system.Result{Image: &bare, Findings: proven(system.Finding{Name: system.FindingRTMR0, Outcome: system.Contradict})}, false, []string{"# (the registers"}, "OS_IMAGE"},
		"one is noted":    {system.Result{Image: &bare, Findings: proven(system.Finding{Name: system.FindingRTMR1, Outcome: system.Noted})}, false, []string{"# (the registers"}, "OS_IMAGE"},
	} {
		var w policy.Writer
		derives := System(&w, &c.result, catalogue.BuiltIn())
		text := string(w.Bytes())
		if derives != c.derives || strings.Contains(text, c.not) {
			t.Errorf("%s: %v, and\n%s", name, derives, text)
		}
		for _, want := range c.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, text)
			}
		}
	}
}
