package verify_test

import (
	"testing"

	"gitlauncher/verify"
)

func TestGood(t *testing.T) {
	r := newVM().judge(t)
	want(t, r, 0, map[string]verify.Outcome{"A": verify.Pass, "B": verify.Pass, "C": verify.Pass, "D": verify.Pass, "E": verify.Pass, "F": verify.Note})
	if r.Verdict != verify.Verified || r.Intel || len(r.Launches) != 1 || r.Launches[0].Commit != commit {
		t.Errorf("report is %+v", r)
	}
}
