// Package measure defines what a launch leaves in RTMR3, and reads it back. It touches
// neither disk nor network.
//
// git-launcher emits these events, in this order, after everything is proven and before any
// byte of the workload runs (VERIFY.md):
//
//	mode   event              payload
//	git    git-commit         the raw bytes of the commit id: 20, or 32 of a SHA-256 one
//	git    git-launch         the launch record, RFC 8785 JSON
//	image  mpc-image-digest   the 32 raw bytes of the approved digest
//	image  image-launch       the launch record of that mode
//
// An event extends the register: RTMR3' = SHA384(RTMR3 || digest), from 48 zero bytes. The
// log beside it is only a list, and dstack 0.5 appends to it before it extends. So a log is
// believed only if it replays to the register ([State.Boot], [Log.Replay]). The events up
// to system-ready are dstack's own. Those after it may be from anyone who reaches the
// socket.
//
// [Emit] emits each distinct launch exactly once a boot, since containers restart and the
// register can't be rewound.
//
// What this package does not do: talk to the guest agent (package measure/dstack does),
// check quotes, or judge a log against expectations (package verify does both).
//
// Formats: VERIFY.md; RFC 8785; dstack's cc-eventlog, log versions 1 and 2.
package measure
