// Package pccs fetches collateral, Intel's statements about a processor family, from a
// provisioning certificate (caching) service.
//
// Nothing that a service says is believed for its name or its TLS certificate: what is
// fetched is judged by signatures under the trusted root (package verify/quote), and
// only what is good is cached. A service can withhold collateral, or answer with
// collateral that is older than the present one; the verdict says its date.
//
// Format: Intel's PCS API, version 4, which caching services copy.
package pccs
