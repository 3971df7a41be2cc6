// Package app is check D: that the app-compose is the measured one, which service in it
// is the launcher's, what else in it can reach the keys, and who holds these keys.
//
// Package compose says what a compose file means; this package compares that with the
// log and the policy.
package app
