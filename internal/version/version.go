// Package version holds which version of the source a program was built from. A launch
// record has it as "launcher", so it is measured. It is the builder's word: what proves
// a program is the digest of the image that it is in.
package version

import "runtime/debug"

// release is set by the linker where an image or a release is built (image/build,
// make dist). The toolchain's own record needs a Git checkout, and would make the same
// source make different bytes.
var release string

// String is the program's version.
func String() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
