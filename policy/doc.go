// Package policy holds what a relying party expects of a launch: the keys of a
// policy, how a policy file is read, and how one is written.
//
// A verdict is worth as much as the policy it is reached by, so there is one table
// of keys ([Keys]) for everybody: the verifier takes its flags from it and reads
// policy files by it, the launcher's pin and check write policies by it, and --help
// and VERIFY.md print it. The table binds each key to a typed field of [Policy].
//
// A policy file is KEY=VALUE lines in the grammar of package config, in which a key
// may repeat. VERIFY.md is normative for the keys.
//
// What this package does not do: judge anything. Package verify compares evidence with
// a Policy. This package imports nothing of it, so the launcher can write policies
// without linking a verifier.
package policy
