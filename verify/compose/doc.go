// Package compose judges an app-compose: whether what dstack measured gives anything
// but the launcher the keys to the launch (VERIFY.md, "What a compose may hold").
//
//	Judge         compose.go       reads both files, and asks the others
//	the app-compose's fields       appfields.go
//	the launcher's service         launcher.go, command.go, environment.go, mounts.go
//	attest's service               attest.go      one shape, exactly
//	every other service            other.go, host.go
//	what a policy accepts          accept.go
//	whether the launch is pinned   pinned.go
//
// dstack runs a compose file as root beside the guest agent's socket. A record in the
// event log proves a launch only where nothing else could have written it, and a
// compose pins a launch without any record only where nothing else can be launched. So
// the rule here is default deny: anything that could change what runs, or reach the
// socket, is a [Problem] with a plain sentence of why.
//
//   - The file is read by package strictyaml, which leaves no reader a choice, and then
//     by compose-go as Docker Compose reads it, without interpolation and without
//     opening any file that it names.
//   - The launcher's container must be read-only: dstack keeps it across reboots.
//   - What the deployer's host fills in later (interpolation, allowed_envs) is not
//     measured, and is treated as the host's.
//   - Folders of the VM and fields of the app-compose pass only if they are on a list.
//   - An exception of the policy accepts one content: its name is bound to a hash, or
//     the policy pins the file that it is in. [Explain] returns that content.
//
// What this package does not do: prove that the compose is the measured one, compare
// its config with a launch record (package verify does both), or judge the images of
// other services.
package compose
