// Package submodule says what the submodules of a proven tree are: which commit, from
// where, and under which name.
//
//	Plan     plan.go        gitlinks and .gitmodules -> what is to be fetched
//	entries  gitmodules.go  .gitmodules by the grammar of git-config(1)
//	address  address.go     an address in .gitmodules, relative ones included
//
// # The threat
//
// A commit pins its gitlinks and its .gitmodules, so that nobody but its author chose
// them. But an author reads his tree with one version of git, and a name, a path or an
// address there can be made to mean another thing to another reader: a Git directory
// outside of .git, a program's option, a transport that runs a command, a repository of
// the machine itself. What Git refuses is refused, and so is what two versions of Git
// read differently. A place is always that of a gitlink in the proven tree, and never
// the word of .gitmodules.
//
// # What it does not check
//
// It fetches nothing, and does not know what a commit holds. Entries that no gitlink
// belongs to do nothing, as for Git: they are not looked at.
//
// Formats: gitmodules(5), gitsubmodules(7), and git-config(1) for the syntax. Includes are
// not followed, as Git follows none in .gitmodules.
package submodule
