// Package imagemode launches an approved container image, and supervises its container.
// run.go shows the whole launch on one screen: what runs unmeasured is stopped, a
// digest chosen, index, manifest and config proven by their bytes, the container
// created, the launch measured, and only then is the container started. Any failure
// before the start leaves the container stopped.
//
// The shared volume, the Docker Engine's state and the registry's answers are other
// people's. The workload can write to the volume, and Docker's restart policies start
// containers before any launcher runs. Nothing there is believed to be as an earlier
// launch left it.
//
// What the package does not do: prove an image (package imagepin), speak to the Engine
// (imagepin/engine), look without launching (package imagecheck), or advise. Errors name
// the step that they ended; hints are the command's.
//
// Formats: doc/image-mode.md, and VERIFY.md for events and record.
package imagemode
