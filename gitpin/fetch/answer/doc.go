// Package answer tells Git's answers from all others that a web server may send. If an answer
// is not Git's, the package says what it is, so that a launch which fails can name the true
// cause: a web page, a login, static files, a rate limit.
//
// The server is a stranger. Only the first 4 KiB of an answer that is not Git's are read, and
// one sentence of them is quoted. The caller makes that sentence fit for a log.
//
// The package sends no requests, follows no redirects, and does not decide whether to ask
// again.
//
// Specifications: gitprotocol-http(5), RFC 9110.
package answer
