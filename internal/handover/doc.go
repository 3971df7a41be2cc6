// Package handover turns the launcher's process into the workload.
//
// The process keeps its id, so a workload that is the container's first process gets
// the signals itself. bash reads nothing but what was pinned: no startup file, no
// script from standard input, no directory through a symbolic link. Descriptors that
// the program that started the launcher left open are closed.
//
// What the package does not do: prove the checkout, or choose the environment (package
// environ).
package handover
