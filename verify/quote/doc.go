// Package quote reads a TDX quote and says what its signatures prove: that a
// genuine TDX module on a platform of a known TCB status reported these
// registers (VERIFY.md, check A).
//
// The chain, from the pinned root down:
//
//	root CA ── PCK CA ── PCK certificate ── QE report ── attestation key ── TD report
//	   └────── TCB signing ── TCB info, QE identity
//	   └ root CRL    └ PCK CRL
//
// [Parse] reads versions 4 and 5. [Quote.CheckSignatures] proves the upper line with
// go-tdx-guest. [Collateral.Check] proves the lower ones, once for any number of
// quotes. [Checked.Judge] then evaluates the TCB of one quote: platform, TDX module and
// quoting enclave, each separately.
//
// The package evaluates the TCB itself for two reasons. Where TEE_TCB_SVN[1] is above
// zero, go-tdx-guest reports only the module's level, which masks an OutOfDate or
// Revoked platform. And its errors do not tell a bad status from a forgery.
//
// What this package does not do: fetch anything, say which registers are the
// right ones, or accept a status (package verify does, by policy).
//
// Formats: Intel TDX DCAP Quote Generation Library (quote versions 4 and 5);
// Intel PCS API version 4 (TCB info version 3, QE identity version 2); Intel SGX
// PCK Certificate and CRL Profile Specification.
package quote
