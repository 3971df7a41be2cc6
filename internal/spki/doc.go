// Package spki returns the hash of a public key in a file that a workload leaves, so
// that a receipt can bind the key: a certificate or a key, in PEM or DER, or the hash
// itself.
//
// Threat: a hash of the wrong bytes binds a key that nobody can have, and a private key
// must not lie where others can read it. So each form is read to its end, and anything
// else is refused, private keys included.
//
// What it does not check: names, dates and issuers of a certificate. Anyone who
// connects compares only the key.
//
// Format: SHA-256 of the SubjectPublicKeyInfo in DER (RFC 5280, 4.1), as RFC 7469 pins it.
package spki
