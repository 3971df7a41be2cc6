// Package evidence reads what a relying party was handed: a launch receipt, a guest
// agent's answers, what "phala cvms attestation" prints, an MPC node's public data, or
// parts of these in separate files (VERIFY.md, "Evidence").
//
// The one who hands it over may be the attacker. Every form is read strictly: a key that
// stands twice, a value of another kind, anything after the end and anything larger than
// [MaxSize] is refused, since two readers could take it differently.
//
// Nothing is believed here. Whether the parts of an [Evidence] belong together, and what
// they prove, package verify judges.
package evidence
