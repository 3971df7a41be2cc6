// Package lfs knows Git LFS from bytes: pointers, and the messages of the batch API.
//
//	Pointer, Parse     pointer.go   what stands in a tree in the place of a content
//	Request, Answer    batch.go     where the contents are to be had
//	ParseAccess        access.go    where to ask, as an SSH host says
//
// # The threat
//
// The LFS server is a stranger's, and so is what the tree says. A pointer names size and
// SHA-256 of its content, and has one form: what else looks like one is refused, so that
// a content on the disk says by itself which pointer it belongs to ([Pointer.Bytes]). Of
// an answer nothing is believed: it only says where to look.
//
// # What it does not check
//
// Any content: whoever writes it hashes it. Extensions of pointers, which run programs,
// and hashes other than SHA-256 are not known.
//
// Specification: the one of git-lfs, its batch API, and its server discovery.
package lfs
