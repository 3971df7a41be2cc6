// Package fetch asks a Git server for one commit and hands on the pack that comes, as
// a stream of bytes of which nothing is believed.
//
//	Fetch       fetch.go      tries again after faults that may pass, until the deadline
//	sources     sources.go    Repo and its mirrors, in turn
//	attempt     attempt.go     one connection: ask, then hand the pack to the consumer
//	Objects     objects.go     the contents of Git LFS; lfsserver.go says where they are
//	stream      stream.go      the pack's bytes, and why they ended
//	classify    classify.go    what a failure means, as an [*Error]
//
// Below it are packages uploadpack, which knows the protocol, bundle, which knows a
// repository in one file, credential, which reads files and variables, and remote, which
// reaches hosts.
//
// The outcome is a stream or an [*Error]. What the consumer itself says of the bytes
// passes through unchanged: this package does not know what a pack is.
//
// [Resolve] and [Tips] ask what names mean now. They are for authors; a launch asks for
// no name.
//
// # The threat
//
// The host and the network may lie, stall, flood, redirect, and repeat what they were
// told. So each wait has a deadline and each answer a bound; a credential goes to the
// repository's own host alone, and is taken out of the words of hosts before these
// reach an error; a redirect leads neither from https to http nor to addresses of the
// machine itself; SSH hosts need a known key; and no program but git's own upload-pack
// is run, from a fixed place and with an empty environment.
//
// # What it does not check
//
// Not a byte of the pack: package proof does. Neither names nor dates of anything that
// is advertised.
//
// Protocol: gitprotocol-pack(5), gitprotocol-http(5).
package fetch
