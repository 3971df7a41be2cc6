// Package gitlauncher is the root of git-launcher. It holds no code, only tests of the
// whole: which package may import which, that the pages that comments name exist, and
// that releases say what they are.
//
// A confidential VM proves which container image runs. git-launcher proves which
// commit: nothing runs that was not pinned, verified and measured, and anyone can
// check that it was. The rooms, in the order in which data goes through them:
//
//   - config parses the file that pins a commit;
//   - gitpin fetches that commit, proves every byte and puts it on disk;
//   - imagepin does the same for a container image;
//   - measure says what is measured, and measure/dstack asks the guest agent to measure
//     it;
//   - internal/gitmode and internal/imagemode launch, each on one screen (run.go);
//   - verify judges evidence of a launch, from bytes alone;
//   - cmd has the programs, which wire the rooms together.
//
// README.md has a transcript, VERIFY.md the formats and what each check proves,
// SECURITY.md the adversaries, CONTRIBUTING.md how to change any of it. The table in
// arch_test.go is the architecture: what each package may import.
package gitlauncher
