// Package gitmode launches a workload from one pinned Git commit. run.go shows the whole
// launch on one screen: the config is parsed, the commit fetched and proven, its entry
// script checked, the launch recorded and measured, and only then is the process handed
// over. Whatever fails before that, the workload is not started.
//
// check and pin go the same way up to measuring, in a temporary directory, and hand
// over to nobody: what an author is told is what a launch does.
//
// What the package does not do: prove bytes (package gitpin), say what is measured
// (package measure), write what an author deploys (package author), or advise. Errors name
// the step that they ended; hints are the command's.
//
// Formats: doc/launch.md has the config's, VERIFY.md those of events and record.
package gitmode
