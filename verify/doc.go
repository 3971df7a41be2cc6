// Package verify judges evidence: what ran in a confidential VM, on which system,
// by whose word (VERIFY.md). It is pure over bytes: evidence, policy and
// collateral in, a Report out; nothing is fetched, opened or executed here.
//
// Judge runs six checks, reports every finding of all of them, and skips none
// silently:
//
//	A  the quote is genuine                        authenticity.go, package quote
//	B  the registers are the expected system       registers.go, package system
//	C  the event log is the register               log.go
//	D  the compose is the measured one, nothing    app.go, keys.go, packages compose
//	   else has the keys, and who holds them       and derivedimage
//	E  the launch is the expected one              launches.go, pinned.go, receipt.go
//	F  the launcher image is the audited one       provenance_check.go, package provenance
//
// A launch is recorded, where the register says that it was launched, or pinned, where
// the measured compose leaves nothing else to launch.
//
// A finding fails as Invalid (the evidence is not what it claims) or as NotAllowed
// (genuine, but not what the policy allows), or is Undecided where an expectation or an
// input is missing; it then names the policy line that would settle it. Failures outrank
// missing expectations, and VERIFIED needs an expectation for every link: system, keys,
// launcher and launch. The Report says what passed only because the policy accepts it.
//
// What a Report does not say: that the pinned code is good, that Intel's keys are
// safe, that the policy is the right one, or that the endpoint one talks to is this VM.
package verify
