// Command mutants shows which refusals and limits no test holds. It changes one thing in
// the source, runs the tests, and reports the changes that no test noticed: a guard that
// never fires, an error that becomes nil, a limit that is one higher. `make mutants`
// runs it over a random sample of the packages that security rests on.
//
//	mutate.go       the changes that a file offers
//	run.go          the tests of one change
//	equivalent.txt  changes that change nothing, each with why
//
// A sample follows from its seed and the source. The source on disk is never touched:
// the toolchain reads the changed file instead of the real one (go help build,
// -overlay), and so it does for programs that tests build. First the tests of the
// package itself run, then those of the packages that import it.
//
// It does not judge whether a test is a good one, only that some test fails. A change
// that does not compile, or that tests can't tell from the original, says nothing.
package main
