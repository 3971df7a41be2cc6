// Package object reads Git's object model from bytes: ids, commits and trees, and the
// hash that binds them together.
//
// It is the smallest part of pinning, and all trust rests on it. So it is pure: it takes
// bytes, returns values or an error, and reaches neither disk nor network. An object's id
// is always computed here, from the object's own bytes: by SHA-1 with collision detection,
// or by SHA-256 in repositories of that [Format]. No library, server or disk is believed
// about an id.
//
// What it does not do: read packs (package pack does), or decide which commit is the right
// one (package gitpin does).
//
// Formats: gitformat-pack(5); git-fsck(1) for the refused tree entries;
// gitrepository-layout(5), "extensions.objectFormat", for the two formats.
package object
