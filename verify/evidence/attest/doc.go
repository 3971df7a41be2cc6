// Package attest reads an attestation of dstack's guest API v1, the answer of Attest: a
// MessagePack map of version, platform and stack. For the platform tdx it returns the
// quote and the event log, which package verify judges as it judges any other.
//
// The rest of it (the report data, the runtime events, the VM's config) repeats the
// quote and the log or is the host's word; the config is returned as such.
//
// MessagePack leaves readers as much latitude as JSON: keys may appear twice, and
// numbers and byte strings have several forms. Duplicate keys, values of another kind,
// and anything after the end are refused, and what reading may cost is bounded.
//
// Format: dstack's guest API v1, as its repository documents it; the MessagePack
// specification.
package attest
