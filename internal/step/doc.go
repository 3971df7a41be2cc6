// Package step names the steps of the launcher's commands, for their errors: an operator
// reads which step failed before why. What to do about it depends on the step, too: a full
// disk is WORK_DIR's while a commit is pinned, and the Docker Engine's while an image is.
//
// The package names steps. It does not say what to do: hints are the command's.
package step
