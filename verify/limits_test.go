package verify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gitlauncher/measure"
	"gitlauncher/verify/compose/appcompose"
	"gitlauncher/verify/evidence"
)

// TestSizes: the largest evidence and app-compose are read, and those of a byte more
// are not. What is read is then refused for what it lacks.
func TestSizes(t *testing.T) {
	padded := func(text string, size int) []byte { return []byte(text + strings.Repeat(" ", size-len(text))) }
	for _, c := range []struct {
		what        string
		parse       func(size int) error
		limit       int
		below, says string
	}{
		{"evidence", func(size int) error { _, err := evidence.Parse(padded("{}", size)); return err }, 6 << 20, "evidence is neither", "evidence is larger than 6 MiB"},
		{"app-compose", func(size int) error { _, err := appcompose.Parse(padded("[]", size)); return err }, 1 << 20, "cannot unmarshal", "is larger than 1 MiB"},
	} {
		for size, want := range map[int]string{c.limit - 1: c.below, c.limit: c.below, c.limit + 1: c.says} {
			if err := c.parse(size); err == nil || !strings.Contains(err.Error(), want) || want != c.says && strings.Contains(err.Error(), "larger") {
				t.Errorf("%s of %d bytes: %v; that is not %q", c.what, size, err, want)
			}
		}
	}
}

// TestLaunchLimit: as many launches, and halves of them, as are judged one by one, and one
// more; and as many init scripts as a MRCONFIGID is looked for with.
func TestLaunchLimit(t *testing.T) {
	count := func(v *vm, check, name, part string) (n int) {
		for _, f := range v.judge(t).Findings {
			if f.Check == check && f.Name == name && strings.Contains(f.Expected+f.Found+f.Why, part) {
				n++
			}
		}
		return n
	}
	for launches, more := range map[int]int{255: 0, 256: 0, 257: 1} {
		v := newVM()
		v.after = slices.Repeat(launchEvents(t, gitRecord()), launches)
		if n := count(v, "E", "launch events", "at most 256 launches in a boot"); n != more {
			t.Errorf("%d launches: %d findings that there are more", launches, n)
		}
	}
	for halves, said := range map[int]int{255: 255, 256: 256, 257: 256} {
		v := newVM()
		v.after = launchEvents(t, gitRecord())
		for i := range halves {
			v.after = append(v.after, measure.Event{Name: measure.EventCommit, Payload: fmt.Appendf(nil, "%020d", i)})
		}
		if n := count(v, "E", "launch events", "without a launch record"); n != said {
			t.Errorf("%d halves: %d findings", halves, n)
		}
	}
	for scripts, says := range map[int]string{63: "the VM was started for another compose", 64: "the VM was started for another compose", 65: "there are more than 64 init scripts"} {
		v := newVM()
		v.report.MRConfigID[0] = 3
		v.boot = bootEvents(v.measured())
		v.boot = insert(v.boot, 6, slices.Repeat([]measure.Event{{Name: "init-script-hash", Payload: make([]byte, 32)}}, scripts)...)
		if n := count(v, "B", "MRCONFIGID", says); n != 1 {
			t.Errorf("%d init scripts: MRCONFIGID is not found to say %q", scripts, says)
		}
	}
}
