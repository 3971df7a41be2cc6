// Package sim is a dstack guest agent for development: it answers on a socket as the
// guest agent of dstack 0.5 or 0.6 does, its RTMR3 really extends, and its TDX quotes
// really verify, under a root that is not Intel's. dstack's own simulator refuses
// EmitEvent on both lines, so without this one nobody can try a recorded launch on a
// laptop.
//
// A [Machine] is one boot: its state lives and dies with the process. [Options] choose
// the app-compose, the line of dstack, the holder of the disk's key and what goes
// wrong ([fault.Fault]).
//
// # The two lines
//
// On 0.5 the socket serves EmitEvent, Info, GetQuote and Version at /. An event is
// appended to the log before the register is extended, as dstack 0.5 does, but in one
// step unless a fault says otherwise.
//
// On 0.6 the same surface is frozen at / and /v0, and EmitEvent always fails there with
// HTTP 400 and the text [EmitRemoved]. /v1 adds Attest and an Info that has the verbatim
// app-compose and no registers. An app-compose with event_log_version 2 gets events of
// log version 2.
//
// On both, a failing call is HTTP 400 with a JSON error; an unknown method is HTTP 404
// with the JSON error "Service not found: NAME"; a path that nothing is mounted at is
// HTTP 404 with the page of dstack's web server.
//
// # What it does not do
//
// It proves nothing to anybody: the person who runs it chooses every value in its
// quotes. It derives no keys and issues no certificates: GetKey, GetTlsKey, Sign, Verify
// and their successors are refused. It reads JSON whatever the content type, where
// dstack reads protobuf unless the type is JSON.
//
// It computes digests without package measure, so that each can be tested against the
// other.
//
// Sources: the specification of the guest API, versions 0 and 1 (in the folder docs of
// https://github.com/Dstack-TEE/dstack), and the answers of real machines.
package sim
