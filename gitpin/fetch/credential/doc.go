// Package credential turns what a config says of credentials, paths and names of
// variables, into what a connection needs: a header, a TLS configuration, a key to log
// in with, the keys that a host may show.
//
// The threat is a secret that travels: into a log, an error, or to another host. Errors
// name the file or variable and what is wrong with it, never its content; a [Secret]
// shows itself nowhere; [Login.Secrets] are what must not be repeated. To which host a
// credential goes is package remote's to decide.
//
// It does not check that a host takes a credential.
package credential
