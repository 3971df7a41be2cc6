// Package config turns the bytes of a launcher's config file into types that
// need no further checking.
//
// A config is lines of KEY=VALUE (doc/launch.md, "The config"). It is parsed, never
// sourced and never expanded: the value is the rest of the line, byte for byte, without
// one layer of matching quotes. Anything else is an [Error] with file, line and key.
//
// The threat: the config is measured, and published with the attested compose file. The
// launcher inside the VM and a verifier outside must read the same bytes alike. And a
// value that does not belong there, such as a password, must not spread: an error never
// repeats a value.
//
// What the package does not do: open files (package config/configfile does), check that a
// repository or a commit exists, or resolve host names.
package config
