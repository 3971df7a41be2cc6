package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"syscall"

	"gitlauncher/config"
	"gitlauncher/config/configfile"
	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/fetch/remote"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gitmode"
	"gitlauncher/internal/handover"
	"gitlauncher/internal/pinned"
	"gitlauncher/internal/receipt"
	"gitlauncher/internal/step"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// The exit codes; doc/launch.md.
const (
	exitOther   = 1
	exitUsage   = 2
	exitFetch   = 3
	exitPin     = 4
	exitMeasure = 5
	exitStart   = 6
	exitEngine  = 7
)

// report says what failed in a command and what to do, and returns the exit code. Of the
// commands that launch it says what became of the workload.
func report(log *slog.Logger, command string, err error) int {
	if err == nil {
		return 0
	}
	code, hint := advise(err)
	name, cause := step.Name("launch"), err
	var s *step.Error
	if errors.As(err, &s) {
		name, cause = s.Step, s.Err
	}
	log.Error("FAILED to "+string(name)+": "+cause.Error(), "exit", code)
	state := ""
	switch {
	case name == step.Supervise:
		state = "the workload was started, and has no supervisor now. "
	case command == "run" || command == "image":
		state = "the workload was not started. "
	}
	log.Error(state + "What to do: " + hint)
	return code
}

// advise returns exit code and hint by an error's type.
func advise(err error) (code int, hint string) {
	var (
		usage    *step.UsageError
		content  *gitmode.ContentError
		conf     *config.Error
		notFound *configfile.NotFoundError
		two      *configfile.TwoError
		cred     *gitpin.CredentialError
		failed   *gitpin.FetchError
		several  *gitpin.SourcesError
		noGit    *remote.NoGitError
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
	)
	if errors.As(err, &part) {
		if code, _ := advise(part.Err); code == exitFetch || code == exitPin {
			return code, submoduleHint
		}
	}
	switch {
	case errors.As(err, &usage):
		return exitUsage, "see git-launcher --help, and for image mode git-launcher image --help"
	case errors.As(err, &notFound):
		return exitUsage, "give the config in " + config.ConfigVariable + ", mount it there, or name its place on the command line"
	case errors.As(err, &two):
		return exitUsage, "give the config once: in the variable, or in a file"
	case errors.As(err, &conf) && conf.Line == 0 && conf.Key == "":
		return exitUsage, "give at most 64 KiB, in a regular file that the launcher may read or in " + config.ConfigVariable
	case errors.As(err, &conf):
		return exitUsage, "correct that line of the config; git-launcher --help lists the keys"
	case errors.As(err, &cred):
		return exitUsage, "give the credential where the config says: a variable of the service, or a file that the launcher may read"
	case errors.As(err, &several):
		return adviseSources(several)
	case errors.As(err, &noGit):
		return exitOther, "install git in the image (Debian: apt-get install git), or give the repository's address on a server"
	case errors.Is(err, context.Canceled):
		return exitOther, "nothing; a signal ended the launcher, and it left no half state"
	case errors.As(err, &failed):
		if failed.Reason == fetch.OtherFormat || failed.Reason == fetch.Empty {
			return exitPin, "make sure that COMMIT_SHA is a commit that was pushed to REPO_URL; trying again does not help"
		}
		return exitFetch, fetchHint(failed.Reason)
	case errors.As(err, &content):
		return exitPin, "find out which of the two is wrong: `git-launcher pin` writes the hashes of the commit that it proves. If they are the commit's no more, somebody has made another commit with the same id"
	case errors.As(err, &mismatch), errors.As(err, &missing):
		return exitPin, "make sure that COMMIT_SHA is a commit that was pushed to REPO_URL; trying again does not help"
	case errors.As(err, &tree):
		return exitPin, "this tree can't be checked out safely; rewrite it and pin the new commit"
	case errors.As(err, &plan):
		return exitPin, "correct .gitmodules and pin the new commit, or leave SUBMODULES out of the config"
	case errors.Is(err, object.ErrCollision):
		return exitPin, "the repository holds a SHA-1 collision attack; find out who put it there"
	case errors.As(err, &entry):
		return exitPin, "correct REPO_SUBDIR or ENTRYPOINT_SCRIPT, or pin a commit that has the script as a regular file"
	case errors.As(err, &ref):
		return exitPin, "name a branch or a tag that is in the repository, or give a full commit id"
	case errors.As(err, &occupied):
		return exitPin, "choose another WORK_DIR, or move away what is in it; nothing there was touched"
	case errors.As(err, &locked):
		return exitOther, "wait for the other launcher, or raise --lock-timeout"
	case errors.As(err, &start):
		return exitStart, "see what the error names; the launch is measured already, and a restart repeats it"
	}
	if hint := diskHint(err); hint != "" {
		return exitOther, hint
	}
	if code, hint := adviseImage(err); hint != "" {
		return code, hint
	}
	if hint := measureHint(err); hint != "" {
		return exitMeasure, hint
	}
	return exitOther, "see what the error names: a full disk, missing permissions or a bug of ours"
}

// adviseSources is about the first source that another try may mend, or else about the
// first.
func adviseSources(several *gitpin.SourcesError) (code int, hint string) {
	for _, s := range several.Sources {
		if code, hint := advise(s.Err); code == exitFetch {
			return code, hint
		}
	}
	return advise(several.Sources[0].Err)
}

// submoduleHint helps where a submodule can't be had. Its address is not the config's.
const submoduleHint = "make sure that the submodule's commit was pushed to that address, and that it can be had with the credentials there are: those of the config go to the scheme, host and port of REPO_URL alone. " +
	"If .gitmodules is wrong, correct it and pin the new commit; SUBMODULES=none leaves submodules out"

// diskHint is empty for errors that have nothing to do with where WORK_DIR lies.
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

func fetchHint(r fetch.Reason) string {
	switch r {
	case fetch.Auth:
		return "give a credential that may read the repository (AUTH_TOKEN_ENV or AUTH_TOKEN_FILE, with https://USER@host/ where the host wants the user's name; SSH_KEY_ENV or SSH_KEY_FILE)"
	case fetch.NotFound:
		return "check REPO_URL; hosts also answer so where a credential is missing (AUTH_TOKEN_ENV or AUTH_TOKEN_FILE)"
	case fetch.Untrusted:
		return "check the host's certificate, or its key (SSH_HOST_KEY, SSH_KNOWN_HOSTS_FILE), before anything else"
	case fetch.Authority:
		return "for a private authority name its certificate in TLS_CA_FILE (or in the variable SSL_CERT_FILE); if the host has a public one, somebody may be in between"
	case fetch.ClientCert:
		return "name a certificate that the host takes in TLS_CLIENT_CERT_FILE, and its key in TLS_CLIENT_KEY_FILE"
	case fetch.Clock:
		return "look at this machine's clock, then at the host's certificate"
	case fetch.Proxy:
		return "look at the proxy, and at the variables https_proxy, http_proxy, all_proxy and no_proxy"
	case fetch.Stalled:
		return "look at the network and the Git host; for a slow host raise --stall-timeout or --pack-timeout"
	case fetch.TimedOut:
		return "look at the network and the Git host; for a large repository raise --fetch-timeout"
	case fetch.TooLarge:
		return "if the repository is meant to be that large, raise the limit (--max-pack-bytes, --max-tree-bytes, --max-files)"
	case fetch.Unsuitable:
		return "the Git host can't serve this pin; see what it answered"
	case fetch.BadBundle:
		return "make the bundle anew, of all that leads to the pin (git bundle create FILE REF, without a filter), and copy it whole"
	case fetch.Refused:
		return "see what the Git host says"
	case fetch.BadAnswer:
		return "the Git host sent a broken answer; try again, and look for a proxy in between"
	}
	return "look at the network and the Git host, then start again"
}

// measureHint is empty for errors that have nothing to do with measuring.
func measureHint(err error) string {
	var (
		socket *dstack.SocketError
		call   *dstack.CallError
		loose  *pinned.Error
		left   *receipt.Error
		s      *step.Error
	)
	switch {
	case errors.As(err, &loose):
		return "put the config, byte for byte, into " + config.ConfigVariable + " of the launcher's service in the compose file that you deploy; `git-launcher pin` writes such a file. " +
			"An image with the config in it says GIT_LAUNCHER_MEASURE=pinned and has a read-only root file system. On dstack 0.5 a launch needs neither: it is recorded"
	case errors.Is(err, measure.ErrNoEmit):
		return "dstack 0.6 and later let no application record events. Launch with --measure auto or pinned and the config in the compose file (" + config.ConfigVariable + "), or run on dstack 0.5, as image mode with a list of approved digests has to"
	case errors.Is(err, measure.ErrLogMismatch):
		return "reboot the VM: an event is in the log and not in the register, which nothing else mends"
	case errors.Is(err, measure.ErrOtherImage):
		return "reboot the VM to change the image: those who check the event accept one in a boot"
	case errors.Is(err, measure.ErrNotReady):
		return "wait until dstack has booted, then start again"
	case errors.As(err, &socket):
		return "mount the guest agent's socket there, or name it with --dstack-endpoint; without a TEE give --platform nontee"
	case errors.As(err, &left):
		return "make the receipt's place writable (--receipt), or launch without --require-receipt"
	case errors.Is(err, receipt.ErrNoLaunch):
		return "launch something first"
	case errors.As(err, &call), errors.As(err, &s) && s.Step == step.Measure:
		return "look at the guest agent of this VM; nothing is started that could not be measured"
	}
	return ""
}
