package verify_test

import (
	"errors"
	"testing"

	"gitlauncher/internal/digest"
	"gitlauncher/verify"
	"gitlauncher/verify/app"
	"gitlauncher/verify/derivedimage"
	"gitlauncher/verify/report"
)

// TestDerivedImage: a launch by a derived image is pinned where the image is the audited
// launcher and a config that the policy knows, and by nothing less.
// SECURITY.md: E13.
func TestDerivedImage(t *testing.T) {
	image, err := digest.Parse(launcher)
	if err != nil {
		t.Fatal(err)
	}
	base, other := digest.Of([]byte("base")), digest.Of([]byte("other"))
	good := func() *app.Derived { return &app.Derived{Image: image, Base: base, Config: []byte(configs)} }
	with := func(change func(d *app.Derived)) *app.Derived {
		d := good()
		change(d)
		return d
	}
	known, from := "CONFIG_SHA256="+digestOf([]byte(configs)), "LAUNCHER_BASE_DIGEST="+base.String()
	refused := &derivedimage.RefusedError{Reason: "x"}
	for name, tc := range map[string]struct {
		derived     *app.Derived
		policy      []string
		code        int
		check, find string
		o           report.Outcome
	}{
		"pinned":               {good(), []string{from, known}, 0, "E", "launch", report.Pass},
		"config not known":     {good(), []string{from}, 4, "E", "launch", report.NotAllowed},
		"another config":       {good(), []string{from, "CONFIG_SHA256=" + digestOf(nil)}, 4, "E", "config hash", report.NotAllowed},
		"no image":             {nil, []string{from, known}, 4, "D", "derived image", report.Undecided},
		"no base is expected":  {good(), []string{known}, 4, "E", "launch", report.NotAllowed},
		"of another base":      {with(func(d *app.Derived) { d.Base = other }), []string{from, known}, 4, "D", "derived image", report.NotAllowed},
		"another image":        {with(func(d *app.Derived) { d.Image = other }), []string{from, known}, 4, "D", "derived image", report.Undecided},
		"refused":              {with(func(d *app.Derived) { d.Err = refused }), []string{from, known}, 4, "D", "derived image", report.NotAllowed},
		"not to be had":        {with(func(d *app.Derived) { d.Err = errors.New("x") }), []string{from, known}, 4, "D", "derived image", report.Undecided},
		"no config":            {with(func(d *app.Derived) { d.Config = []byte("x") }), []string{from, known}, 4, "D", "derived image", report.NotAllowed},
		"a record is asked of": {good(), []string{from, known, "LAUNCH=recorded"}, 4, "E", "launch", report.NotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			v.derived()
			unrecorded(v)
			v.policy = tc.policy
			e, p := v.evidence(t)
			e.Receipt, p.Derived = nil, tc.derived
			outcome(t, verify.Judge(t.Context(), e, p), tc.code, tc.check, tc.find, tc.o)
		})
	}
}
