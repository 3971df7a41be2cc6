// Package progress shows a person how far the pinning of a commit is. A large repository
// takes minutes, and someone who sees nothing for so long stops a launch that is fine.
//
// What a server says is shown in its own words, which the fetch has made fit for a
// terminal. Nothing that is shown decides anything.
package progress
