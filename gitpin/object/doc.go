// Package object reads Git's object model from bytes: identifiers, commits and
// trees, and the hash that binds them together.
//
// It is the smallest part of pinning and the one all trust rests on, so it is
// pure: bytes in, values or an error out, no disk, no network, no go-git.
// An object's id is always computed here, from the object's own bytes, by SHA-1
// with collision detection; what a library, a server or a disk says an id is
// never enters.
//
// What it does not do: read packs (package pack), decide which commit is the
// right one (package gitpin), or speak SHA-256 repositories.
//
// Formats: gitformat-pack(5), git-fsck(1) for the refused tree entries.
package object
