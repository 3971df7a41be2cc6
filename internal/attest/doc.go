// Package attest answers strangers with fresh receipts over HTTP: a second container of a
// deployment, beside the launcher's.
//
// Threat: anyone can ask, as often as they like, and each answer costs the VM a quote.
// So a stranger sends a nonce of one form and nothing else. Both the rate of receipts
// and the number that are made at a time are bounded; anyone who comes when that is
// used up is told to come again (429, Retry-After). Every request and answer ends in
// time. A stranger never chooses the key that a receipt binds: it is read from a file
// that the workload leaves.
//
// What it does not do: TLS, which the workload does, with the key that the receipt
// binds; or judge anything. It launches nothing and writes no file.
//
// Formats: VERIFY.md, "A live endpoint"; Prometheus' text format.
package attest
