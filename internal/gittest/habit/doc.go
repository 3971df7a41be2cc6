// Package habit has the ways of Git hosts that differ from those of `git http-backend`
// alone, for tests. A [Habit] wraps a server's handler, and habits add up.
//
// It knows neither repositories nor faults: package gittest has the server.
package habit
