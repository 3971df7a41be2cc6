// Package lint judges a compose file before anything is deployed, as a relying party will
// judge it afterwards: with check D itself (package verify/compose), under the policy that
// lies beside it.
//
// A compose file that works may still be refused by everyone who verifies it, and its
// author learns of that last. So each finding comes with the line of a policy that accepts
// it, if there is one, or says that there is none.
//
// What the package does not do: judge what dstack adds. Until the app-compose is there,
// one with defaults stands in for it, and the report says so.
package lint
