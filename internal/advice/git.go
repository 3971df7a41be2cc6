package advice

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"gitlauncher/config"
	"gitlauncher/config/configfile"
	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/fetch/remote"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/deployment"
	"gitlauncher/internal/gitmode"
	"gitlauncher/internal/handover"
	"gitlauncher/internal/step"
)

// The exit codes; doc/launch.md.
const (
	Other   = 1
	Usage   = 2
	Fetch   = 3
	Pin     = 4
	Measure = 5
	Start   = 6
	Engine  = 7
)

// Unknown is the hint for errors that this package does not know.
const Unknown = "see what the error names: a full disk, missing permissions or a bug of ours"

// Git returns exit code and hint for errors of git mode up to measuring, and of pin.
// For other errors the hint is empty.
func Git(err error) (code int, hint string) {
	var (
		content  *gitmode.ContentError
		conf     *config.Error
		notFound *configfile.NotFoundError
		two      *configfile.TwoError
		cred     *gitpin.CredentialError
		failed   *gitpin.FetchError
		several  *gitpin.SourcesError
		noGit    *remote.NoGitError
		command  *remote.CommandError
		mismatch *gitpin.MismatchError
		missing  *gitpin.MissingObjectError
		tree     *object.TreeError
		plan     *gitpin.PlanError
		part     *gitpin.SubmoduleError
		entry    *gitpin.EntryError
		occupied *gitpin.OccupiedError
		locked   *gitpin.LockedError
		ref      *gitpin.RefError
		start    *handover.Error
		unlike   *deployment.UnlikeError
	)
	if errors.As(err, &part) {
		if code, _ := Git(part.Err); code == Fetch || code == Pin {
			return code, submoduleHint
		}
	}
	switch {
	case errors.As(err, &notFound):
		return Usage, "give the config in " + config.ConfigVariable + ", mount it there, or name its place on the command line"
	case errors.As(err, &two):
		return Usage, "give the config once: in the variable, or in a file"
	case errors.As(err, &conf) && conf.Line == 0 && conf.Key == "":
		return Usage, "give at most 64 KiB, in a regular file that the launcher may read or in " + config.ConfigVariable
	case errors.As(err, &conf):
		return Usage, "correct that line of the config; git-launcher --help lists the keys"
	case errors.As(err, &cred):
		return Usage, "give the credential where the config says: a variable of the service, or a file that the launcher may read"
	case errors.As(err, &several):
		return adviseSources(several)
	case errors.As(err, &noGit):
		return Other, "install git in the image (Debian: apt-get install git), or give the repository's address on a server"
	case errors.Is(err, context.Canceled):
		return Other, "nothing; a signal ended the launcher, and it left no half state"
	case errors.As(err, &command) && command.Missing:
		return Fetch, "give REPO_URL as https://, where Git LFS needs no such command, or lfs.url in .lfsconfig; LFS=none leaves the pointers"
	case errors.As(err, &failed):
		if failed.Reason == fetch.OtherFormat || failed.Reason == fetch.Empty {
			return Pin, "make sure that COMMIT_SHA is a commit that was pushed to REPO_URL; trying again does not help"
		}
		return Fetch, fetchHint(failed.Reason)
	case errors.As(err, &content):
		return Pin, "find out which of the two is wrong: `git-launcher pin` writes the hashes of the commit that it proves. If they are the commit's no more, somebody has made another commit with the same id"
	case errors.As(err, &mismatch), errors.As(err, &missing):
		return Pin, "make sure that COMMIT_SHA is a commit that was pushed to REPO_URL; trying again does not help"
	case errors.As(err, &tree):
		return Pin, "this tree can't be checked out safely; rewrite it and pin the new commit"
	case errors.As(err, &plan):
		return Pin, "correct .gitmodules and pin the new commit, or leave SUBMODULES out of the config"
	case errors.Is(err, object.ErrCollision):
		return Pin, "the repository holds a SHA-1 collision attack; find out who put it there"
	case errors.As(err, &entry):
		return Pin, "correct REPO_SUBDIR or ENTRYPOINT_SCRIPT, or pin a commit that has the script as a regular file"
	case errors.Is(err, deployment.ErrThere):
		return Other, "git-launcher-dev pin --update changes the pin in it and nothing else; --out names another folder"
	case errors.As(err, &unlike):
		return Other, "change it by hand, or write a new deployment beside this one (--out)"
	case errors.As(err, &ref):
		return Pin, "name a branch or a tag that is in the repository, or give a full commit id"
	case errors.As(err, &occupied):
		return Pin, "choose another WORK_DIR, or move away what is in it; nothing there was touched"
	case errors.As(err, &locked):
		return Other, "wait for the other launcher, or raise --lock-timeout"
	case errors.As(err, &start):
		return Start, "see what the error names; the launch is measured already, and a restart repeats it"
	}
	if hint := diskHint(err); hint != "" {
		return Other, hint
	}
	return 0, ""
}

// adviseSources returns the advice about the first source that another try may mend, or
// else about the first one.
func adviseSources(several *gitpin.SourcesError) (code int, hint string) {
	for _, s := range several.Sources {
		if code, hint := Git(s.Err); code == Fetch {
			return code, hint
		}
	}
	return Git(several.Sources[0].Err)
}

// submoduleHint is for a submodule that can't be fetched. Its address is not in the
// config.
const submoduleHint = "make sure that the submodule's commit was pushed to that address, and that it can be had with the credentials there are: those of the config go to the scheme, host and port of REPO_URL alone. " +
	"If .gitmodules is wrong, correct it and pin the new commit; SUBMODULES=none leaves submodules out"

// diskHint returns the hint for errors about the place of WORK_DIR, and "" for others.
func diskHint(err error) string {
	var s *step.Error
	var file *fs.PathError
	switch {
	case !errors.As(err, &s) || s.Step != step.Pin:
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room on the disk that WORK_DIR is on"
	case errors.As(err, &file):
		return "see what stands in the way there: WORK_DIR, or the directory above it, must be writable for the launcher"
	}
	return ""
}
