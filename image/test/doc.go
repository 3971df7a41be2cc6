// Package test makes the images again as somebody else would, and runs them on the Docker
// Engine of this machine: `make image-test`. `go test ./...` leaves it out (build tag
// image), because it needs minutes, root and an Engine. Where a machine lacks a part, the
// tests that need it are skipped and say so; where CI=true they fail.
//
// Others may use the Engine at the same time. Every name that the tests make is unique, and
// they remove only those.
package test
