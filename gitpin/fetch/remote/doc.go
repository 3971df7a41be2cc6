// Package remote reaches a repository: over HTTP, over SSH, or on this machine through
// git's own upload-pack.
//
//	Open, Session   session.go
//	Web             http.go, proxy.go, connect.go, heard.go
//	SSH             ssh.go, sshfault.go, lfsaccess.go
//	local           local.go
//	Bundle          bundle.go
//	requests beside Git's own protocol   send.go, lfsdir.go
//	Pulse           pulse.go    ends an attempt in which nothing arrives
//
// # The threat
//
// A host may lead elsewhere. A credential goes to the repository's own origin alone. A
// redirect leads neither from https to http nor to addresses of the machine itself; the
// address that counts is the target's, never a proxy's.
//
// A host may be an impostor. TLS certificates and known host keys are checked.
//
// A host may never finish. Each wait ends with the context, and only a bounded part of an
// answer that is not Git's is read.
//
// The environment and ~/.ssh/config have no influence, except for the variables that name
// proxies.
//
// If an answer is not Git's, the error's type says what it is: [answer.Error],
// [answer.EndedError], [RedirectError], [ProxyError], [ProxyRefusal], [ClientCertError],
// [LoginError], [HostError], [CommandError], [NoGitError].
//
// Specifications: gitprotocol-http(5), RFC 9110, RFC 4253.
package remote
