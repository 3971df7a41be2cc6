// Package spki takes the hash of a public key from the file that a workload leaves for
// those who bind it: a certificate or a key, in PEM or DER, or the hash itself.
//
// Threat: a hash of the wrong bytes binds nothing that anybody can have, and a file with a
// private key in it must not lie where others read. So each form is read to its end, what
// is none of them is refused, and so is a private key.
//
// What it does not check: names, dates and issuers of a certificate. Whoever connects
// compares the key, and nothing else.
//
// Format: SHA-256 of the SubjectPublicKeyInfo in DER (RFC 5280, 4.1), as RFC 7469 pins it.
package spki
