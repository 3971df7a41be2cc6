// Package deployment updates the pin in a folder with a config, a compose file and a
// policy that a person edits, too.
//
// The three say the same thing in several places: the commit, hashes of what it holds,
// and hashes of each other. [Folder.Pin] changes these values where they stand, and no
// other byte. The files are parsed before and after, by the packages that a launch and
// a verifier use. If anything but the pin has changed, that is an error, and nothing is
// written. A file that is not in a form that this package writes is never replaced.
//
// What the package does not do: prove the commit, or judge the compose file.
package deployment
