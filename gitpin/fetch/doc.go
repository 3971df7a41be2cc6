// Package fetch asks a Git server for one commit, and passes on the pack that the server
// sends. The pack is a stream of bytes that nobody has checked yet.
//
//	Fetch       fetch.go       tries again after transient faults, until the deadline
//	sources     sources.go     Repo and its mirrors, in turn
//	attempt     attempt.go     one connection: asks, then passes the pack to the consumer
//	Objects     objects.go     the contents of Git LFS; lfsserver.go finds their server
//	Resolve     references.go  which commits names lead to
//	stream      stream.go      the pack's bytes, and why they ended
//	classify    classify.go    what a failure means, as an [*Error]
//
// Package uploadpack below it knows the protocol, and bundle knows a repository in one file.
// Package answer recognizes web servers' answers that are not Git's. Package credential reads
// files and variables, and remote reaches hosts.
//
// The outcome is a stream or an [*Error]. An error of the consumer about the bytes is
// returned unchanged: this package does not know what a pack is.
//
// [Resolve] and [Tips] ask which commits names lead to now. They are for authors. A launch
// asks for no name.
//
// # The threat
//
// The host and the network may lie, stall, flood, redirect, and repeat what they were told.
// So each wait has a deadline, and each answer a bound. A credential goes to the repository's
// own host alone, and is removed from a host's words before they reach an error. No redirect
// leads from https to http, or to addresses of the machine itself. SSH hosts need a known
// key. The only program that runs is git's own upload-pack, from a fixed place and with an
// environment of the launcher's own.
//
// # What it does not check
//
// It checks no byte of the pack; package proof does. It checks neither names nor dates of
// what a server advertises.
//
// Protocol: gitprotocol-pack(5), gitprotocol-http(5).
package fetch
