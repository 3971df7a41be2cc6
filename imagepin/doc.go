// Package imagepin turns an approved digest into a running container: it chooses the
// digest, proves the documents that it leads to, has the Docker Engine pull exactly
// that image, proves what was pulled, and creates, starts and supervises the container.
// What comes between creating and starting, measuring, is the caller's (cmd wires it):
//
//	ReadApproved, Choose   the node's list, the default, the operator's override
//	Resolve                index -> manifest -> config, each hashed, for one platform
//	Engine.Prepare         the container, kept or made, never started
//	Engine.Pull            if Prepare says that the image is gone
//	Engine.Supervise       start, relay, start again
//
// The threats it answers: a registry that sends something else, or keeps the launcher
// waiting; a previous run of the workload, which can write the shared volume and its
// own container's files; others with the Engine's socket, who prune, rename, start and
// change things at any moment;
// Docker's own restart policies, which start containers before any launcher runs.
//
// What it does not check: layers, which the Engine hashes against the proven manifest
// and config (it is part of the measured system), and what the workload does.
//
// Packages oci (the documents) and userconfig (the operator's file) are its pure parts.
// It logs by the *slog.Logger that it is given, and never exits.
//
// Formats: doc/image-mode.md; OCI distribution and image specifications 1.1; Docker Engine
// API 1.40 and newer.
package imagepin
