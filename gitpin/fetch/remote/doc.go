// Package remote reaches a repository: over HTTP, over SSH, or on this machine through
// git's own upload-pack.
//
//	Open, Session   session.go
//	Web             http.go, proxy.go, connect.go, heard.go
//	SSH             ssh.go, sshfault.go, lfsaccess.go
//	local           local.go
//	Bundle          bundle.go
//	Pulse           pulse.go    ends an attempt in which nothing comes
//
// # The threat
//
// A host that leads elsewhere: a credential goes to the repository's own origin alone, a
// redirect leads neither from https to http nor to addresses of the machine itself, and
// a proxy's own address is not judged in place of the target's. A host that is another:
// TLS and known host keys. A host that never ends: each wait ends with the context, and
// what is read of an answer that is not Git's is bounded. What an environment or a
// ~/.ssh/config could steer is not read, but for the variables of proxies.
//
// What an answer is that is not Git's is said in an error's type: [answer.Error],
// [answer.EndedError], [RedirectError], [ProxyError], [ProxyRefusal], [ClientCertError],
// [LoginError], [HostError], [CommandError], [NoGitError].
//
// Specifications: gitprotocol-http(5), RFC 9110, RFC 4253.
package remote
