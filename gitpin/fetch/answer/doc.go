// Package answer looks at what a web server answers: whether it is Git's, and if not, what it
// is instead. A launch that fails names the true cause: a web page, a login, static files, a
// limit that ends at a time.
//
// The server is a stranger. Of an answer that is not Git's the first 4 KiB are looked at, and
// a sentence of it is quoted; the caller makes it fit for a log.
//
// What this package does not do: ask, follow redirects, or decide whether to ask again.
//
// Specifications: gitprotocol-http(5), RFC 9110.
package answer
