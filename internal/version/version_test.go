package version

import (
	"runtime/debug"
	"testing"
)

// TestOf: what the toolchain records, and the version that a program then says it is.
// (TestReleaseVersion, in the root, tests what the linker sets.)
func TestOf(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: modified}}
	}
	for _, c := range []struct {
		main     string
		settings []debug.BuildSetting
		want     string
	}{
		{"v0.0.0-20261126065439-0123456789ab", vcs("false"), commit},
		{"(devel)", vcs("true"), commit + "-dirty"},
		{"v1.2.3", nil, "v1.2.3"}, // by `go install MODULE@v1.2.3`
		{"(devel)", nil, unknown},
		{"", nil, unknown},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: c.main}, Settings: c.settings}
		if got := of(info); got != c.want {
			t.Errorf("%s with %v is version %q, want %q", c.main, c.settings, got, c.want)
		}
	}
}
