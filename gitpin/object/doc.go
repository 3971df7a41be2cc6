// Package object reads Git's object model from bytes: ids, commits and trees, and the
// hash that binds them together.
//
// It is the smallest part of pinning and the one that all trust rests on, so it is
// pure: it takes bytes, returns values or an error, and reaches neither disk nor
// network. An object's id is always computed here, from the object's own bytes: by SHA-1
// with collision detection, or by SHA-256 in repositories of that [Format]. What a
// library, a server or a disk says that an id is counts for nothing.
//
// What it does not do: read packs (package pack), or decide which commit is the
// right one (package gitpin).
//
// Formats: gitformat-pack(5); git-fsck(1) for the refused tree entries;
// gitrepository-layout(5), "extensions.objectFormat", for the two formats.
package object
