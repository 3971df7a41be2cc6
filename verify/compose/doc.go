// Package compose judges an app-compose: whether what dstack measured gives
// anything but the launcher the keys to the launch (VERIFY.md, check D).
//
// dstack runs a compose file as root beside the guest agent's socket. A record in
// the event log proves a launch only where nothing else could have written it, so
// the rule here is default deny: whatever could change what runs, or reach the
// socket, is a Problem with a plain sentence of why and a name by which a policy
// may accept it (ALLOW_COMPOSE). What the deployer's host fills in later
// (interpolation, allowed_envs) is not measured and is treated as the host's.
//
// The compose file is read by compose-go as Docker Compose reads it, without
// interpolation and without opening any file that it names.
//
// What this package does not do: prove that the compose is the measured one, or
// compare its config with a launch record (package verify does both).
package compose
