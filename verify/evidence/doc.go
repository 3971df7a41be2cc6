// Package evidence reads what a relying party was given: a launch receipt, a guest
// agent's answers, what "phala cvms attestation" prints, an MPC node's public data, or
// parts of these in separate files (VERIFY.md, "Evidence from a live deployment").
//
// Anyone who hands it over may be the attacker. Every form is read strictly: a key that
// appears twice, a value of another kind, anything after the end and anything larger
// than [MaxSize] is refused, since two readers could read it differently.
//
// Nothing is believed here. Package verify judges whether the parts of an [Evidence]
// belong together, and what they prove.
package evidence
