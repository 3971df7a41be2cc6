// Package imagepin chooses the digest of an image, proves the documents that the digest
// leads to, and describes the container to make. Its rooms do the rest. These are the
// steps, and between Prepare and Supervise the caller measures:
//
//	ReadApproved, Choose   the node's list, the default, the operator's override
//	Resolve                index -> manifest -> config, each hashed, for one platform
//	Profile.Describe       the container's description
//	engine.Prepare         the container, kept or made, never started
//	engine.Pull            if Prepare says that the image is gone
//	engine.Supervise       start, relay, start again
//
// Packages oci (the documents) and userconfig (the operator's file) are pure; registry
// fetches documents; engine talks to the Docker Engine.
//
// The threats it answers: a registry that sends something else; an earlier run of the
// workload, which can write to the shared volume; and an operator's file that says more
// than an operator may.
//
// What it does not check: what the workload does, and layers. The Engine, which is part of
// the measured system, hashes those against the proven manifest and config.
//
// It logs to the *slog.Logger that it is given, and never exits.
//
// Formats: doc/image-mode.md; OCI image specification 1.1.
package imagepin
