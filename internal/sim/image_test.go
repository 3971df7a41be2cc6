package sim_test

import (
	"testing"

	"gitlauncher/internal/sim"
	"gitlauncher/policy"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
)

// TestSystemIsDerivable: on both lines the registers follow from the image's hash and
// the tables' digests, as the verifier derives them, from the whole log and from the
// short one of Attest.
func TestSystemIsDerivable(t *testing.T) {
	for _, line := range []sim.Line{sim.V05, sim.V06} {
		m, err := sim.New(sim.Options{Dstack: line, AppCompose: []byte(`{"manifest_version":2}`)})
		if err != nil {
			t.Fatal(err)
		}
		status, answer := ask(m, "POST", "/GetQuote", `{"report_data":""}`)
		if status != 200 {
			t.Fatalf("HTTP %d: %s", status, answer)
		}
		e, err := evidence.Parse([]byte(answer))
		if err != nil {
			t.Fatal(err)
		}
		q, err := quote.Parse(e.Quote)
		if err != nil {
			t.Fatal(err)
		}
		p, err := policy.Parse("policy", m.Policy())
		if err != nil {
			t.Fatal(err)
		}
		images, err := boot.Images(p, catalogue.BuiltIn())
		if err != nil || len(images) != 1 || len(p.ACPITables.Values()) != 1 {
			t.Fatalf("%v, %v\n%s", images, err, m.Policy())
		}
		r, err := boot.Derive(e, q, images, p, catalogue.BuiltIn())
		if err != nil || !r.Proven() || r.Memory != 2<<30 || r.Document.Version != 4 {
			t.Errorf("%s: %v\n%+v", line, err, r.Findings)
		}
		for i := range 3 {
			for _, l := range r.Explain(i) {
				if l.State != system.Same && l.State != system.Host {
					t.Errorf("%s: event %s is %s", line, l.Name, l.State)
				}
			}
		}
		short := *e
		short.Log = nil
		for _, entry := range e.Log {
			if entry.IMR == 3 || entry.EventType == 10 {
				short.Log = append(short.Log, entry)
			}
		}
		if r, err = boot.Derive(&short, q, images, p, catalogue.BuiltIn()); err != nil || !r.Proven() {
			t.Errorf("%s, short log: %v\n%+v", line, err, r.Findings)
		}
	}
}
