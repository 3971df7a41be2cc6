// Package step names the steps of the launcher's commands, for their errors: an
// operator reads which step failed before why. What to do about it depends on the step,
// too: a full disk is WORK_DIR's if a commit is being pinned, and the Docker Engine's
// if an image is.
//
// The package names steps. It does not say what to do: the command gives hints.
package step
