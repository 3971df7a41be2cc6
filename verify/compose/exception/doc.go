// Package exception binds what a policy accepts to its content.
//
// A name alone would accept any content: any script, any privileged stranger under that
// name. So an exception is NAME@sha256:HEX, or a name alone where the policy pins by
// hash the file that the content is in. VERIFY.md is normative for what is hashed, and
// has test vectors.
//
// What this package does not do: say what needs an exception; package compose does.
package exception
