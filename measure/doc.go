// Package measure says what a launch leaves behind in RTMR3, and how such a trace is
// read again. It touches neither disk nor network.
//
// This is what git-launcher emits, in this order, after everything is proven and before
// any byte of the workload runs (VERIFY.md):
//
//	mode   event              payload
//	git    git-commit         the raw bytes of the commit id: 20, or 32 of a SHA-256 one
//	git    git-launch         the launch record, RFC 8785 JSON
//	image  mpc-image-digest   the 32 raw bytes of the approved digest
//	image  image-launch       the launch record of that mode
//
// An event extends the register: RTMR3' = SHA384(RTMR3 || digest), from 48 zero bytes.
// The log beside it is only a list that somebody keeps, and dstack 0.5 appends to it
// before it extends. So a log is believed only after it was replayed and its end equals
// the register ([State.Boot], [Log.Replay]). Names of events before dstack's own
// system-ready are dstack's. Those after it may be of anyone who reaches the socket.
//
// [Emit] is the once-a-boot logic on top: the register can't be rewound and containers
// restart, so each distinct launch is emitted exactly once a boot.
//
// What this package does not do: talk to the guest agent (package measure/dstack does),
// check quotes, or judge a log against expectations (package verify does).
//
// Formats: VERIFY.md; RFC 8785; dstack's cc-eventlog, log versions 1 and 2.
package measure
