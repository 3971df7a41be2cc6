// Package uploadpack reads and writes what git-upload-pack and its client say to each other
// in version 0 of Git's protocol: the references that a server advertises, a request for
// commits, and the answer around a pack.
//
// The threat is the server. It may send endless lines, malformed lengths, and text in place
// of anything. So the bytes before a pack and the text beside it are bounded, and an answer
// that breaks the protocol is a [*ProtocolError]. The package does not look at a pack's own
// bytes.
//
// It does not use the network itself. Nothing is negotiated: the client has no commits to
// offer.
//
// Specifications: gitprotocol-common(5), gitprotocol-pack(5), gitprotocol-capabilities(5).
package uploadpack
