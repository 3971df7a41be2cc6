// Package lfs reads and writes Git LFS's pointers and the messages of its batch API.
//
//	Pointer, Parse          pointer.go   what a tree has in place of a content
//	Pointer.Verify          verify.go    a reader that checks a content against its pointer
//	Request, ParseAnswer    batch.go     where the contents are
//	ParseAccess             access.go    where to ask for that, as an SSH host says
//
// # The threat
//
// Strangers run the LFS server, and strangers may have written the tree. A pointer names the
// size and the SHA-256 of its content, and has exactly one form. Everything else that looks
// like a pointer is refused, so that the pointer of a content can be computed from the
// content alone ([Pointer.Bytes]). An answer of the server is not believed. It says only
// where to look.
//
// # What it does not check
//
// It checks a content only if it is read through [Pointer.Verify]. It knows no extensions of
// pointers, which run programs, and no hashes other than SHA-256.
//
// Specifications: those of git-lfs for pointers, its batch API, and its server discovery.
package lfs
