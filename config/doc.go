// Package config turns the bytes of a launcher's config file into types that
// need no further checking.
//
// The grammar is line-oriented KEY=VALUE (launch.md, "Config grammar"). It is
// parsed, never sourced and never expanded: the value is the rest of the line,
// byte for byte, less one layer of matching quotes. There is one way to write a
// thing, and everything else is an error with file, line and key.
//
// The threat: the config is measured and published with the attested compose,
// so two readers (this program inside the VM, a verifier outside) must read the
// same bytes alike, and a value that does not belong there (a password) must
// not travel further. An error therefore never repeats a value.
//
// What it does not do: open files (see package configfile), look whether a
// repository or a commit exists, or resolve host names.
package config
