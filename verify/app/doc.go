// Package app is check D: that the app-compose is the measured one, which service in it
// is the launcher's, what else in it can reach the keys, and who holds these keys.
//
// What a compose file means is package compose's to say; this package holds that against
// the log and the policy.
package app
