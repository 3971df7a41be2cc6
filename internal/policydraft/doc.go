// Package policydraft writes a policy from evidence that one trusts on first use: each
// line expects what the evidence holds, and what accepts something is a comment.
//
// Strangers choose these values. The policy's own writer keeps them from writing lines of
// their own, and the head of the file says that nobody has vouched for any of it.
package policydraft
