//go:build !stagehook

package stage

// Reached does nothing. A test's build (hook.go) ends the launcher here.
func Reached(string) {}
