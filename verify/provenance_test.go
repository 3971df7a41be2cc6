package verify_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gitlauncher/internal/digest"
	"gitlauncher/verify"
	"gitlauncher/verify/app"
	"gitlauncher/verify/provenance"
	"gitlauncher/verify/report"
)

// builder stands for who built an image: it judges one bundle good, for one image.
// Package bundle tests real bundles.
type builder struct {
	bundle, image string
	repos         []string // those that were asked for
}

func (b *builder) Verify(bundle []byte, image string, want provenance.Expect) (*provenance.Build, error) {
	b.repos = want.Repos
	if string(bundle) != b.bundle || image != b.image {
		return nil, errors.New("it is of something else: " + string(bundle) + ", " + image)
	}
	return &provenance.Build{Repo: "https://github.com/o/r", Commit: "c", Workflow: "w"}, nil
}

// TestProvenance tests check F: what is not asked, missing or refused, and which bundle
// judges which image.
// SECURITY.md: E10.
func TestProvenance(t *testing.T) {
	const own, file = `{"own":1}`, "the file"
	repo := "PROVENANCE_REPO=o/r"
	base := digest.Of([]byte("base"))
	derived := func(image string) *app.Derived {
		d, err := digest.Parse(image)
		if err != nil {
			t.Fatal(err)
		}
		return &app.Derived{Image: d, Base: base, Config: []byte(configs)}
	}
	onBase := []string{repo, "LAUNCHER_BASE_DIGEST=" + base.String(), "CONFIG_SHA256=" + digestOf([]byte(configs))}
	for name, tc := range map[string]struct {
		policy []string
		change func(v *vm, p *verify.Params) // nil: nothing
		own    string                        // the evidence's bundle
		judge  *builder
		o      report.Outcome
		says   string // in the finding
		note   bool   // that a derived image's base is not proven
	}{
		"not asked":                          {nil, nil, own, &builder{own, launcher, nil}, report.Note, "no PROVENANCE_REPO is expected", false},
		"a workflow alone":                   {[]string{"PROVENANCE_WORKFLOW=w.yml"}, nil, own, &builder{own, launcher, nil}, report.Undecided, "a workflow's name means nothing", false},
		"no launcher is expected":            {[]string{repo}, func(v *vm, _ *verify.Params) { v.without = []string{"LAUNCHER_IMAGE_DIGEST"} }, own, &builder{own, launcher, nil}, report.Undecided, "no launcher image was identified", false},
		"no bundle":                          {[]string{repo}, nil, "", &builder{own, launcher, nil}, report.Undecided, "there is no Sigstore bundle", false},
		"no trusted root":                    {[]string{repo}, nil, own, nil, report.Undecided, "there is no trusted root", false},
		"the evidence's":                     {[]string{repo}, nil, own, &builder{own, launcher, nil}, report.Pass, "built from https://github.com/o/r at c by w", false},
		"of the workflow":                    {[]string{repo, "PROVENANCE_WORKFLOW=w.yml"}, nil, own, &builder{own, launcher, nil}, report.Pass, "built from", false},
		"of another image":                   {[]string{repo}, nil, own, &builder{own, workload, nil}, report.NotAllowed, "it is of something else", false},
		"a file stands over the evidence's":  {[]string{repo}, func(_ *vm, p *verify.Params) { p.Bundle = []byte(file) }, own, &builder{own, launcher, nil}, report.NotAllowed, "it is of something else: the file", false},
		"a file":                             {[]string{repo}, func(_ *vm, p *verify.Params) { p.Bundle = []byte(file) }, own, &builder{file, launcher, nil}, report.Pass, "built from", false},
		"a derived image's own":              {[]string{repo}, func(v *vm, _ *verify.Params) { v.derived() }, own, &builder{own, launcher, nil}, report.Pass, "built from", true},
		"of a derived image's base":          {onBase, func(v *vm, p *verify.Params) { v.derived(); p.Derived = derived(launcher) }, own, &builder{own, base.String(), nil}, report.Pass, "built from", false},
		"of the derived image, not its base": {onBase, func(v *vm, p *verify.Params) { v.derived(); p.Derived = derived(launcher) }, own, &builder{own, launcher, nil}, report.NotAllowed, "it is of something else", false},
		"the base of nothing":                {onBase, func(v *vm, _ *verify.Params) { v.derived() }, own, &builder{own, base.String(), nil}, report.Undecided, "no launcher image was identified", false},
		"the base of another image":          {onBase, func(v *vm, p *verify.Params) { v.derived(); p.Derived = derived(workload) }, own, &builder{own, base.String(), nil}, report.Undecided, "no launcher image was identified", false},
		"the base of what was refused": {onBase, func(v *vm, p *verify.Params) {
			v.derived()
			p.Derived = derived(launcher)
			p.Derived.Err = errors.New("x")
		}, own, &builder{own, base.String(), nil}, report.Undecided, "no launcher image was identified", false},
	} {
		t.Run(name, func(t *testing.T) {
			v, further := newVM(), verify.Params{}
			if tc.change != nil {
				tc.change(v, &further)
			}
			v.policy = tc.policy
			e, p := v.evidence(t)
			if tc.own != "" {
				e.Provenance = []byte(tc.own)
			}
			p.Bundle, p.Derived = further.Bundle, further.Derived
			if tc.judge != nil {
				p.Provenance = tc.judge
			}
			r := verify.Judge(t.Context(), e, p)
			found, note := false, false
			for _, f := range r.Findings {
				found = found || f.Check == "F" && f.Name == "provenance" && f.Outcome == tc.o && strings.Contains(f.Found+f.Why, tc.says)
				note = note || f.Check == "F" && f.Name == "base image" && f.Outcome == report.Note
			}
			if !found || note != tc.note {
				t.Errorf("provenance is not %s by %q, or the note is %v; F is %+v", tc.o, tc.says, note, slices.DeleteFunc(r.Findings, func(f report.Finding) bool { return f.Check != "F" }))
			}
			if tc.o == report.Pass && !slices.Equal(tc.judge.repos, []string{"o/r"}) {
				t.Errorf("asked for %q", tc.judge.repos)
			}
		})
	}
}
