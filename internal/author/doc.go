// Package author writes what the author of a workload deploys and gives to those who
// verify it: the config that pins the commit, the compose file that holds the config,
// and the policy that expects the launch.
//
// The three must say the same. A config that differs by one byte from the one in the
// compose file is another config, and no launch meets a policy for another compose
// file. So all three come from one proven commit, and a compose file that the author
// wrote is compared with the config before anything is written about it.
//
// What the package does not do: fetch or prove the commit (package gitpin), or judge what
// is deployed. A verifier does that, from the evidence alone.
//
// Formats: doc/launch.md has the config's, VERIFY.md the policy's.
package author
