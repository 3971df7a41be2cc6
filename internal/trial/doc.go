// Package trial launches what an author's clone holds, on the author's machine, with a
// simulated guest agent, and has the verifier judge the receipt. So an author sees what
// a deployment goes through before there is one.
//
// Launcher and verifier are the real programs, as processes. Package author writes the
// deployment, and the simulator does dstack's measurements. What is launched is a copy
// of the folder (package clone): a workload can't change the clone, and uncommitted
// changes can be tried.
//
//   - [Native] runs the launcher on this machine, which must run Linux. The machine
//     stands in for the container: its programs are there, and its file system is
//     writable.
//   - [Docker] runs the launcher's image with the compose file itself.
//
// What the package does not do: prove anything to anybody. The quotes are signed by keys
// that the simulator made.
package trial
