// Package stage marks how far a launch is, so that tests can look at it there, change
// something, or kill it. A crash at any stage must leave nothing that could be run
// unproven or unmeasured, and only a real kill of the real program shows that.
//
// In a program that is built without the tag stagehook the marks do nothing: a launcher
// in use has no way to be stopped between two steps.
package stage
