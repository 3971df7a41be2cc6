package systemtext

import (
	"strings"
	"testing"

	"gitlauncher/measure"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/report"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
	"gitlauncher/verify/system/tdvf"
)

// TestExitCode: the worst finding decides, whatever the order.
func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		outcomes []system.Outcome
		code     int
	}{
		{nil, report.ExitVerified},
		{[]system.Outcome{system.Proven, system.Noted}, report.ExitVerified},
		{[]system.Outcome{system.Open, system.Proven}, report.ExitUndecided},
		{[]system.Outcome{system.Open, system.Differs}, report.ExitNotAllowed},
		{[]system.Outcome{system.Differs, system.Open}, report.ExitNotAllowed},
		{[]system.Outcome{system.Contradict, system.Differs, system.Open}, report.ExitInvalid},
		{[]system.Outcome{system.Open, system.Differs, system.Contradict}, report.ExitInvalid},
	} {
		r := new(system.Result)
		for _, o := range c.outcomes {
			r.Findings = append(r.Findings, system.Finding{Outcome: o})
		}
		if code := ExitCode(r); code != c.code {
			t.Errorf("%v: %d, not %d", c.outcomes, code, c.code)
		}
	}
}

// TestOf: the image that was compared is explained, or else the first expected one.
// Flaws are named, and those that are unclear are marked so.
func TestOf(t *testing.T) {
	known := catalogue.BuiltIn()
	development, ok := known.ByName("dstack-dev-0.5.4")
	if !ok {
		t.Fatal("the catalogue has no such image")
	}
	unclear, ok := func() (catalogue.Image, bool) {
		for _, i := range known.Images {
			for _, f := range i.Flaws {
				if f.Unclear != nil {
					return i, true
				}
			}
		}
		return catalogue.Image{}, false
	}()
	if !ok {
		t.Fatal("the catalogue has no image with an unclear flaw")
	}
	bare := system.Image{Name: "mine", Hash: strings.Repeat("a", 64)}
	for name, c := range map[string]struct {
		image   system.Image
		result  system.Result
		claimed bool
		vm      string
		has     []string
		not     []string
	}{
		"expected":       {bare, system.Result{}, false, "", []string{"image         mine " + bare.Hash + " (expected)\n", "\nAs a policy\n"}, []string{"flaw", "VM  ", "memory", "event by event", "document", "command line"}},
		"claimed":        {bare, system.Result{}, true, "", []string{"(what the evidence says it is)\n"}, []string{"(expected)"}},
		"compared":       {bare, system.Result{Image: &development.Image}, false, "", []string{"image         dstack-dev-0.5.4", "\nflaw          DEV-IMAGE: "}, []string{"mine"}},
		"an unclear one": {unclear.Image, system.Result{}, false, "", []string{" (not published whether): "}, nil},
		"a VM":           {bare, system.Result{Memory: 3 << 30}, false, `{"cpu_count":2,"num_gpus":1,"qemu_version":"9.2.1"}`, []string{"VM            vCPUs 2, GPUs 1, QEMU 9.2.1 (the host's word)\n", "memory        3072 MiB (RTMR0)\n"}, nil},
		"no VM":          {bare, system.Result{}, false, `{"cpu_count":`, nil, []string{"vCPUs"}},
		"findings": {bare, system.Result{Findings: []system.Finding{{Name: "RTMR1", Outcome: system.Differs, Want: "1111", Found: "2222", Why: "another kernel"}}}, false, "",
			[]string{"RTMR1         differs    2222\n", "           expected 1111\n", "           another kernel\n"}, nil},
		"events": {bare, system.Result{Attested: [3]bool{false, true, false}, Boot: tdvf.Boot{nil, {measure.Register{7}}, {measure.Register{8}}}}, false, "",
			[]string{"\nRTMR1, event by event\n", " 07000000"}, []string{"RTMR0, event", "RTMR2, event", "08000000"}},
	} {
		x := Of(&evidence.Evidence{VMConfig: []byte(c.vm)}, &c.result, []system.Image{c.image}, c.claimed, known)
		text := x.Text()
		for _, want := range c.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, text)
			}
		}
		for _, no := range c.not {
			if strings.Contains(text, no) {
				t.Errorf("%s: %q is in\n%s", name, no, text)
			}
		}
		if x.Findings == nil && c.result.Findings != nil || x.Events == nil || x.Flaws == nil || len(x.Policy) == 0 {
			t.Errorf("%s: lists of the JSON are missing: %+v", name, x)
		}
	}
}

// TestTextHostile: the maker of the evidence can neither control the reader's terminal
// nor write a line of the explanation.
func TestTextHostile(t *testing.T) {
	const planted = "\x1b[2Jx\nMRTD          proven"
	x := &Explanation{
		Image: planted, Cmdline: planted, VM: planted, Flaws: []string{planted}, Policy: []string{planted}, Document: 3,
		Findings: []system.Finding{{Name: "RTMR1", Outcome: system.Differs, Want: planted, Found: planted, Why: planted}},
	}
	text := x.Text()
	if strings.Contains(text, "\x1b") || strings.Contains(text, "\nMRTD") || !strings.Contains(text, "�") {
		t.Errorf("%q", text)
	}
}

// TestCatalogue: each image is listed with what is known about it, and the source.
func TestCatalogue(t *testing.T) {
	known, err := new(catalogue.Catalogue).With([]byte(`{"version":1,
		"sources":{"me":{"what":"built here","where":"https://here.example","date":"2026-11-26"}},
		"flaws":[{"id":"F-1","what":"a hole","source":"me"},{"id":"F-2","what":"perhaps a hole","source":"me"}],
		"images":[
			{"name":"one-1.0","os_image_hash":"` + strings.Repeat("a", 64) + `","source":"me","flaws":[{"id":"F-1"},{"id":"F-2","unclear":"me"}]},
			{"name":"two-2.0","source":"me","sets":[{"qemu":"9","mrtd":"` + strings.Repeat("1", 96) + `","rtmr2":"` + strings.Repeat("2", 96) + `","source":"me"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	const by = "https://here.example, 2026-11-26"
	want := "\none-1.0\n  os_image_hash " + strings.Repeat("a", 64) + "\n  flaw F-1: a hole (" + by + ")\n  perhaps F-2: perhaps a hole (" + by + ")\n  source " + by + "\n" +
		"\ntwo-2.0\n  registers on QEMU 9: MRTD RTMR2 (" + by + ")\n  source " + by + "\n"
	if text := Catalogue(known); !strings.Contains(text, want) || !strings.HasPrefix(text, "Systems that OS_IMAGE can name.") || !strings.HasSuffix(text, "\nACPI tables that are known:\n") {
		t.Errorf("no\n%s\nin\n%s", want, text)
	}
	if text := Catalogue(catalogue.BuiltIn()); !strings.Contains(text, "\nACPI tables that are known:\n  ") {
		t.Errorf("no tables in\n%s", text)
	}
}
