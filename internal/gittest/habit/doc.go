// Package habit makes a test's server behave as Git hosts do where they differ from a
// bare `git http-backend`. A [Habit] wraps a server's handler, and habits add up.
//
// It knows neither repositories nor faults: package gittest has the server.
package habit
