// Package policydraft writes a policy from evidence that one trusts on first use: each
// line expects what the evidence holds, and lines that accept something are comments.
//
// Strangers choose these values. Package policy's writer keeps such a value from
// becoming a line by itself, and the head of the file says that nobody has vouched for
// any of it.
package policydraft
