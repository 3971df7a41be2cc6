// Package clone reads an author's clone of a workload: where it came from, which commit is
// checked out, whether that is published, and what is in the folder beside it.
//
// It runs the author's own git, so that attributes, ignored files, credentials and
// rewritten addresses are as the author has them. It changes nothing in the clone: no
// object, index or reference. It commits what the folder holds into a repository
// elsewhere ([Copy]), which borrows the clone's objects while it is made.
//
// What the package does not do: prove anything. A launch proves the commit by its bytes,
// wherever it came from.
//
// Formats: git-worktree(1), gitrepository-layout(5).
package clone
