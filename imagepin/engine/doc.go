// Package engine has the Docker Engine of the VM pull a proven image, proves that the
// Engine has that image, and makes, starts and supervises the container.
//
// The threats it answers: others with the Engine's socket, who prune, rename, start and
// change things at any moment; changes that an earlier run of the workload left in its own
// container; Docker's restart policies, which start containers before any launcher runs;
// and an Engine that hangs, dies, or has another image under the right name.
//
// What it does not check: the Engine itself and the layers, which the Engine hashes
// against the proven manifest and config. It is part of the measured system.
//
// Formats: Docker Engine API 1.40 and newer; doc/image-mode.md.
package engine
