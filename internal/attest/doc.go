// Package attest answers strangers with fresh receipts over HTTP: a second container of a
// deployment, beside the launcher's.
//
// Threat: anyone can ask, as often as they like, and each answer costs the VM a quote. So what
// a stranger sends is a nonce of one form and nothing else, receipts have a rate and a number
// that are made at a time, whoever comes when that is used up is told to come again (429,
// Retry-After), and every request and answer ends in time. A stranger never chooses the key
// that a receipt binds: it is read from a file that the workload leaves.
//
// What it does not do: TLS, which is the workload's, whose key the receipt binds; and judge
// anything. It launches nothing and writes no file.
//
// Formats: VERIFY.md, "A live endpoint"; Prometheus' text format.
package attest
