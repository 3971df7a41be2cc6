// Package test makes the images again as somebody else would, and runs them on the
// Docker Engine of this machine: `make image-test`. It is apart from `go test ./...`
// (build tag image) because it takes minutes, root and an Engine. A machine that
// lacks a part skips the tests that need it, visibly; where CI=true that is an error.
//
// The tests share the Engine with whatever else uses it: every name they make is
// their own, and they remove just those.
package test
