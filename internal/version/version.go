// Package version holds which version of the source a program was built from. A launch
// record has it as "launcher", so it is measured. It is the builder's word: a program
// is proven by the digest of the image that it is in.
package version

import "runtime/debug"

// release is set by the linker (make build, make dist, image/build). An image and a
// release need it: the toolchain's own record requires a Git checkout, and would make
// the same source make different bytes.
var release string

// String returns the program's version: that of the release, or of the module where
// the module's proxy had the source; the commit's id in a clone, with "-dirty" where
// files differed from it; else "(devel)".
func String() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	return of(info)
}

const unknown = "(devel)"

func of(info *debug.BuildInfo) string {
	var commit, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	switch {
	case commit != "":
		return commit + dirty
	case info.Main.Version != "":
		return info.Main.Version
	}
	return unknown
}
