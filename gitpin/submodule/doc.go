// Package submodule lists the submodules of a proven tree: their commits, where they come
// from, and their names.
//
//	Plan     plan.go        gitlinks and .gitmodules -> what to fetch
//	entries  gitmodules.go  .gitmodules by the grammar of git-config(1)
//	address  address.go     an address in .gitmodules, relative or not
//
// # The threat
//
// A commit pins its gitlinks and its .gitmodules, so that only its author can choose them.
// But the author reads the tree with one version of git, and a name, a path or an address may
// mean something else to another reader: a Git directory outside of .git, an option of a
// program, a transport that runs a command, a repository of the machine itself. The package
// refuses what Git refuses, and what two versions of Git read differently. A submodule's
// place is always that of a gitlink in the proven tree, never one that .gitmodules names.
//
// # What it does not check
//
// It fetches nothing, and does not know what a commit holds. It ignores entries that belong
// to no gitlink, as Git does.
//
// Formats: gitmodules(5), gitsubmodules(7), and git-config(1) for the syntax. Includes are
// not followed; Git does not follow them in .gitmodules either.
package submodule
