// Package uploadpack reads and writes what git-upload-pack and its client say to each
// other, version 0 of Git's protocol: the references that a server advertises, a request
// for commits, and the answer around a pack.
//
// The threat is the server: it may send lines without end, lengths that are none, and
// text in place of everything. So what comes before a pack and what is said beside it are
// bounded in bytes, and an answer that breaks the protocol is a [*ProtocolError]. A pack's
// own bytes are not looked at.
//
// It reaches no network. Nothing is negotiated: the client offers no commits.
//
// Specifications: gitprotocol-common(5), gitprotocol-pack(5), gitprotocol-capabilities(5).
package uploadpack
