// Package verify judges evidence: what ran in a confidential VM, on which system, by
// whose word (VERIFY.md). It works on bytes alone: evidence, policy and collateral in,
// a report out. It fetches, opens and executes nothing.
//
// [Judge] runs six checks, reports every finding of all of them, and skips none
// silently:
//
//	A  the quote is genuine                        authenticity.go, package quote
//	B  the registers are the expected system       packages boot and system
//	C  the event log is the register               package boot
//	D  the compose is the measured one, nothing    packages app, compose and derivedimage
//	   else has the keys, and who holds them
//	E  the launch is the expected one              package launch
//	F  the launcher image is the audited one       provenance.go, package provenance
//
// Package evidence reads what is judged, and package report holds what was found.
// VERIFIED needs an expectation for every link: system, keys, launcher and launch.
//
// What a report does not say: that the pinned code is good, that Intel's keys are
// safe, or that the policy is the right one. It says that an endpoint is this VM only if
// the finding "endpoint" passes.
package verify
