// Package receipt makes launch receipts: it asks the guest agent for a quote over a launch
// record and a nonce, and leaves the answer where anyone can read it.
//
// A receipt is evidence, and proves nothing until somebody verifies it. So a launch
// goes on without one, unless one is required. But the file must not change what runs:
// it never lies in the proven checkout, whatever symbolic links lead there.
//
// What the package does not do: bind the launch to a register (packages measure and
// pinned), or judge a receipt (package verify).
//
// Format: VERIFY.md, and [measure.Receipt].
package receipt
