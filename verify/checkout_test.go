package verify_test

import (
	"errors"
	"strings"
	"testing"

	"gitlauncher/measure"
	"gitlauncher/verify"
	"gitlauncher/verify/launch"
	"gitlauncher/verify/report"
)

// TestCheckout: each part of a recorded launch is compared with the local clone by
// itself, and nothing that the launch does not have.
// SECURITY.md: E4.
func TestCheckout(t *testing.T) {
	const other = "9"
	content, entry, files := strings.Repeat("c", 64), strings.Repeat("e", 64), strings.Repeat("f", 64)
	modules := []measure.Submodule{{Path: "m", Commit: strings.Repeat("7", 40)}}
	type clone = launch.Checkout
	for name, tc := range map[string]struct {
		modules []measure.Submodule // of the record
		lfs     string
		change  func(whole, plain *clone) // of the clone with what is placed, and without
		fails   error                     // if what is placed can't be computed
		find    string                    // what is not allowed; empty for a launch that passes
		says    string
	}{
		"the same":        {nil, "", nil, nil, "", "tree content entry script"},
		"another commit":  {nil, "", func(_, p *clone) { p.Commit = strings.Repeat(other, 40) }, nil, "commit", "commit"},
		"another tree":    {nil, "", func(_, p *clone) { p.Tree = strings.Repeat(other, 40) }, nil, "tree", "tree content entry script"},
		"another content": {nil, "", func(_, p *clone) { p.ContentSHA256 = strings.Repeat(other, 64) }, nil, "content", "tree content entry script"},
		"another script":  {nil, "", func(_, p *clone) { p.EntrySHA256 = func(string) (string, error) { return other, nil } }, nil, "entry script", "tree content entry script"},
		"no script": {nil, "", func(_, p *clone) {
			p.EntrySHA256 = func(string) (string, error) { return "", errors.New("is not there") }
		}, nil, "entry script", "tree content entry script"},
		"submodules":                {modules, "", nil, nil, "", "tree submodules content entry script"},
		"other submodules":          {modules, "", func(w, _ *clone) { w.Submodules = nil }, nil, "submodules", "tree submodules content entry script"},
		"another content of them":   {modules, "", func(w, _ *clone) { w.ContentSHA256 = strings.Repeat(other, 64) }, nil, "content", "tree submodules content entry script"},
		"Git LFS files":             {nil, files, nil, nil, "", "tree Git LFS files content entry script"},
		"other Git LFS files":       {nil, files, func(w, _ *clone) { w.LFSSHA256 = strings.Repeat(other, 64) }, nil, "Git LFS files", "tree Git LFS files content entry script"},
		"both":                      {modules, files, nil, nil, "", "tree submodules Git LFS files content entry script"},
		"what can't be computed":    {nil, files, nil, errors.New("lacks an object"), "?content", "tree content"},
		"what is placed is another": {nil, "", func(w, _ *clone) { w.ContentSHA256 = other }, nil, "", "tree content entry script"}, // nothing was placed
	} {
		t.Run(name, func(t *testing.T) {
			v, r := newVM(), gitRecord()
			r.Submodules, r.LFSSHA256 = tc.modules, tc.lfs
			if len(tc.modules) > 0 {
				v.further = append(v.further, "SUBMODULES=recursive")
			}
			if tc.lfs != "" {
				v.further = append(v.further, "LFS=fetch")
			}
			v.launch(t, r)
			v.policy = []string{"CONFIG_SHA256=" + r.ConfigSHA256}
			e, p := v.evidence(t)
			whole := &clone{Commit: commit, Tree: tree, ContentSHA256: content, EntrySHA256: func(string) (string, error) { return entry, nil }, Submodules: tc.modules, LFSSHA256: tc.lfs}
			plain := *whole
			plain.Submodules, plain.LFSSHA256 = nil, ""
			if len(tc.modules) > 0 || tc.lfs != "" {
				plain.ContentSHA256 = "of the tree alone"
			}
			plain.Placed = func(asked measure.Beyond) (*clone, error) {
				if len(asked.Submodules) != len(tc.modules) || asked.LFS != (tc.lfs != "") {
					t.Errorf("asked for %+v", asked)
				}
				return whole, tc.fails
			}
			if tc.change != nil {
				tc.change(whole, &plain)
			}
			p.Checkout = &plain
			judged := verify.Judge(t.Context(), e, p)
			want, undecided := strings.CutPrefix(tc.find, "?")
			var compared []string
			for _, f := range judged.Findings {
				what, ok := strings.CutPrefix(f.Name, "clone's ")
				if !ok || f.Check != "E" {
					continue
				}
				compared = append(compared, what)
				wanted := report.Pass
				if what == want {
					wanted = report.NotAllowed
					if undecided {
						wanted = report.Undecided
					}
				}
				if f.Outcome != wanted {
					t.Errorf("clone's %s is %s, not %s: %s", what, f.Outcome, wanted, f.Why)
				}
			}
			if got := strings.Join(compared, " "); got != tc.says {
				t.Errorf("compared: %s; want %s", got, tc.says)
			}
		})
	}
}
