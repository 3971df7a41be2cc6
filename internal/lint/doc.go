// Package lint judges a compose file before anything is deployed, as a relying party
// will judge it afterwards: by check D itself (package verify/compose), under the
// policy beside it.
//
// A compose file that works may still be refused by everyone who verifies it, and its
// author learns of that last. So each finding comes with the line of a policy that accepts
// it, if there is one, or says that there is none.
//
// What the package does not do: judge what dstack adds. Until there is an app-compose,
// one with defaults stands in for it, and the report says so.
package lint
