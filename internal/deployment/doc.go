// Package deployment keeps a folder with a config, a compose file and a policy up to date
// that a person edits, too.
//
// The three say the same thing in several places: the commit, hashes of what it holds, and
// hashes of each other. [Folder.Pin] changes these values where they stand, and no other
// byte. What the files say is read before and after, by the packages that a launch and a
// verifier read them with; if anything but the pin has changed, it is an error, and
// nothing is written. A file that this package did not write and can't read as such is
// never replaced.
//
// What the package does not do: prove the commit, or judge the compose file.
package deployment
