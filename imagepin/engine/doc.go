// Package engine makes the VM's Docker Engine pull a proven image, and proves that the Engine
// has that image. Then it makes, starts and supervises the container.
//
// It answers these threats. Others with the Engine's socket prune, rename, start and change
// things at any moment. An earlier run of the workload may have changed its own container.
// Docker's restart policies start containers before any launcher runs. And an Engine may hang,
// die, or have another image under the right name.
//
// What it does not check: the Engine itself and the layers, which the Engine hashes
// against the proven manifest and config. It is part of the measured system.
//
// Formats: Docker Engine API 1.40 and newer; doc/image-mode.md.
package engine
