package advice

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"gitlauncher/config"
	"gitlauncher/config/configfile"
	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/fetch/remote"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/deployment"
	"gitlauncher/internal/gitmode"
	"gitlauncher/internal/handover"
	"gitlauncher/internal/pinned"
	"gitlauncher/internal/receipt"
	"gitlauncher/internal/step"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

var errCause = errors.New("a text that decides nothing")

func failed(r fetch.Reason) error { return &gitpin.FetchError{Reason: r, Err: errCause} }

// TestGit: each type of error has its exit code and its hint, however deep it lies.
func TestGit(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		hint string
	}{
		{&configfile.NotFoundError{}, Usage, "give the config in GIT_LAUNCHER_CONFIG, mount it there"},
		{&configfile.TwoError{}, Usage, "give the config once"},
		{&config.Error{}, Usage, "at most 64 KiB"},
		{&config.Error{Line: 1}, Usage, "correct that line of the config"},
		{&config.Error{Key: "REPO_URL"}, Usage, "correct that line of the config"},
		{&gitpin.CredentialError{}, Usage, "where the config says"},
		{&remote.NoGitError{}, Other, "install git"},
		{context.Canceled, Other, "a signal ended the launcher"},

		{failed(fetch.Network), Fetch, "look at the network and the Git host, then start again"},
		{failed(fetch.Auth), Fetch, "a credential that may read the repository"},
		{failed(fetch.NotFound), Fetch, "check REPO_URL"},
		{failed(fetch.Untrusted), Fetch, "SSH_HOST_KEY"},
		{failed(fetch.Stalled), Fetch, "--stall-timeout or --pack-timeout"},
		{failed(fetch.TimedOut), Fetch, "--fetch-timeout"},
		{failed(fetch.TooLarge), Fetch, "--max-pack-bytes, --max-tree-bytes, --max-files"},
		{failed(fetch.Unsuitable), Fetch, "can't serve this pin"},
		{failed(fetch.BadAnswer), Fetch, "a proxy in between"},
		{failed(fetch.Clock), Fetch, "this machine's clock"},
		{failed(fetch.ClientCert), Fetch, "TLS_CLIENT_CERT_FILE"},
		{failed(fetch.Authority), Fetch, "TLS_CA_FILE"},
		{failed(fetch.Proxy), Fetch, "https_proxy"},
		{failed(fetch.BadBundle), Fetch, "make the bundle anew"},
		{failed(fetch.Refused), Fetch, "see what the Git host says"},
		{failed(fetch.Empty), Pin, "a commit that was pushed"},
		{failed(fetch.OtherFormat), Pin, "a commit that was pushed"},

		{&gitmode.ContentError{}, Pin, "which of the two is wrong"},
		{&gitpin.MismatchError{}, Pin, "a commit that was pushed"},
		{&gitpin.MissingObjectError{}, Pin, "a commit that was pushed"},
		{&object.TreeError{}, Pin, "can't be checked out safely"},
		{&gitpin.PlanError{}, Pin, "correct .gitmodules"},
		{object.ErrCollision, Pin, "collision attack"},
		{&gitpin.EntryError{}, Pin, "REPO_SUBDIR or ENTRYPOINT_SCRIPT"},
		{&gitpin.RefError{}, Pin, "name a branch or a tag"},
		{&gitpin.OccupiedError{}, Pin, "another WORK_DIR"},
		{&gitpin.LockedError{}, Other, "--lock-timeout"},
		{&handover.Error{Err: errCause}, Start, "the launch is measured already"},

		// A submodule's address is not in the config. Errors of other steps than fetch
		// and pin have their usual advice.
		{&gitpin.SubmoduleError{Err: failed(fetch.Auth)}, Fetch, "the submodule's commit was pushed"},
		{&gitpin.SubmoduleError{Err: &gitpin.MismatchError{}}, Pin, "the submodule's commit was pushed"},
		{&gitpin.SubmoduleError{Err: context.Canceled}, Other, "a signal ended"},

		// Of several sources, the one that another try may mend counts.
		{&gitpin.SourcesError{Sources: []fetch.SourceError{{Err: &gitpin.MismatchError{}}, {Err: failed(fetch.Stalled)}}}, Fetch, "--stall-timeout"},
		{&gitpin.SourcesError{Sources: []fetch.SourceError{{Err: &gitpin.MismatchError{}}, {Err: failed(fetch.Empty)}}}, Pin, "a commit that was pushed"},

		{step.At(step.Pin, &fs.PathError{Err: syscall.ENOSPC}), Other, "make room on the disk that WORK_DIR is on"},
		{step.At(step.Pin, &fs.PathError{Err: syscall.EDQUOT}), Other, "make room on the disk that WORK_DIR is on"},
		{step.At(step.Pin, &fs.PathError{Err: syscall.EROFS}), Other, "must be writable for the launcher"},

		{deployment.ErrThere, Other, "pin --update"},
		{&deployment.UnlikeError{}, Other, "change it by hand"},

		// This package has no advice on these.
		{nil, 0, ""},
		{errCause, 0, ""},
		{step.Usagef("each program's own"), 0, ""},
		{step.At(step.Measure, &fs.PathError{Err: syscall.ENOSPC}), 0, ""},
		{&gitpin.SubmoduleError{Err: errCause}, 0, ""},
	} {
		held(t, "Git", Git, c.err, c.code, c.hint)
	}
}

// TestMeasuring: each type of error of the guest agent or the step has its hint.
func TestMeasuring(t *testing.T) {
	for _, c := range []struct {
		err  error
		hint string
	}{
		{&pinned.Error{}, "byte for byte, into GIT_LAUNCHER_CONFIG"},
		{measure.ErrNoEmit, "--measure auto or pinned"},
		{measure.ErrLogMismatch, "in the log and not in the register"},
		{measure.ErrOtherImage, "reboot the VM to change the image"},
		{measure.ErrNotReady, "wait until dstack has booted"},
		{&dstack.SocketError{}, "--platform nontee"},
		{&dstack.CallError{Err: errCause}, "look at the guest agent"},
		{&receipt.Error{Err: errCause}, "--require-receipt"},
		{receipt.ErrNoLaunch, "launch something first"},
		{step.At(step.Measure, errCause), "look at the guest agent"},
	} {
		held(t, "Measuring", Measuring, c.err, Measure, c.hint)
	}
	held(t, "Measuring", Measuring, step.At(step.Pin, errCause), 0, "")
	held(t, "Measuring", Measuring, nil, 0, "")
}

func held(t *testing.T, name string, of func(error) (int, string), err error, code int, hint string) {
	t.Helper()
	if err != nil {
		err = fmt.Errorf("doing something: %w", err)
	}
	got, text := of(err)
	if got != code || !strings.Contains(text, hint) || (hint == "") != (text == "") || strings.HasSuffix(text, ".") {
		t.Errorf("%s(%#v): exit code %d, %q; not %d, %q", name, err, got, text, code, hint)
	}
}
