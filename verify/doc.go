// Package verify judges evidence: what ran in a confidential VM, on which system,
// by whose word (VERIFY.md). It is pure over bytes: evidence, policy and
// collateral in, a Report out; nothing is fetched, opened or executed here.
//
// Judge runs six checks, reports every finding of all of them, and skips none
// silently:
//
//	A  the quote is genuine                        package quote
//	B  the registers are the expected system       registers.go
//	C  the event log is the register               log.go
//	D  the compose is the measured one, and gives  package compose
//	   nothing else the keys to it
//	E  the launch is the expected one              launch.go
//	F  the launcher image is the audited one       package provenance
//
// A finding fails as Invalid (the evidence is not what it claims) or as
// NotAllowed (genuine, but not what the policy allows), or is Undecided where an
// expectation or an input is missing. Failures outrank missing expectations, and
// VERIFIED needs an expectation for every link: system, launcher and launch.
//
// What a Report does not say: that the pinned code is good, that Intel's keys are
// safe, or that the policy is the right one.
package verify
