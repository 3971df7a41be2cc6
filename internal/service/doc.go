// Package service answers judgements over HTTP: the report of “git-launcher-verify
// --offline --json” for evidence that somebody sends, and the page that judges in a
// browser.
//
// Threat: anyone can ask, as often and as much as they like. So every request is
// bounded in size and time, and all of them together in memory and work; anyone who
// comes when that is used up is told to come again (503, Retry-After). Nothing is kept
// between two requests, and nothing that evidence names is fetched.
//
// What it does not do: TLS, and finding out who asks. A proxy in front of it does
// these.
package service
