// Package imagepin leads from an approved digest to the description of a container: it
// chooses the digest and proves the documents that it leads to. Its rooms do the rest;
// what comes between creating a container and starting it, measuring, is the caller's:
//
//	ReadApproved, Choose   the node's list, the default, the operator's override
//	Resolve                index -> manifest -> config, each hashed, for one platform
//	Profile.Describe       what the container is to be made of
//	engine.Prepare         the container, kept or made, never started
//	engine.Pull            if Prepare says that the image is gone
//	engine.Supervise       start, relay, start again
//
// Packages oci (the documents) and userconfig (the operator's file) are pure; registry
// fetches documents; engine talks to the Docker Engine.
//
// The threats it answers: a registry that sends something else; a previous run of the
// workload, which can write the shared volume; and an operator's file that tries to say
// more than an operator may.
//
// What it does not check: layers, which the Engine hashes against the proven manifest
// and config (it is part of the measured system), and what the workload does.
//
// It logs by the *slog.Logger that it is given, and never exits.
//
// Formats: doc/image-mode.md; OCI image specification 1.1.
package imagepin
