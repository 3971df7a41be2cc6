// Package credential reads the credentials that a config names by path or by variable, and
// makes of them what a connection needs: a header, a TLS configuration, a key to log in
// with, the keys that a host may present.
//
// The threat is a secret that leaks into a log, into an error, or to another host. Errors
// name the file or variable and its fault, never its content. A [Secret] never shows its
// value. [Login.Secrets] lists what must not be repeated. Package remote decides to which
// host a credential goes.
//
// The package does not check that a host accepts a credential.
package credential
