// Package gitlauncher is the root of git-launcher. It has no code, only tests of the whole:
// each package imports only what it may, every page that a comment names exists, and
// releases say what they are.
//
// A confidential VM proves which container image runs. git-launcher proves which commit
// runs in it: nothing runs that was not pinned, verified and measured, and anyone can check
// that it was. These are its rooms, in the order in which data goes through them:
//
//   - config parses the file that pins a commit;
//   - gitpin fetches that commit, proves every byte of it, and puts it on the disk;
//   - imagepin does the same for a container image;
//   - measure says what is measured, and measure/dstack asks the guest agent to measure
//     it;
//   - internal/gitmode and internal/imagemode launch; each launch is one screen (run.go);
//   - verify judges the evidence of a launch, from its bytes alone;
//   - cmd has the programs, which wire the rooms together.
//
// README.md shows a launch. VERIFY.md has the formats, and says what each check proves.
// SECURITY.md describes the adversaries. CONTRIBUTING.md says how to change any of it. The
// table in arch_test.go is the architecture: it says what each package may import.
package gitlauncher
