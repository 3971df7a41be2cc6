package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"gitlauncher/gitpin/fetch/answer"
	"gitlauncher/gitpin/fetch/bundle"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/fetch/remote"
	"gitlauncher/gitpin/fetch/uploadpack"
	"gitlauncher/gitpin/lfs"
)

// stalledError is a silence that was longer than the patience of the attempt.
type stalledError struct{ patience time.Duration }

func (e *stalledError) Error() string        { return fmt.Sprintf("%v of %v", errStalled, e.patience) }
func (e *stalledError) Is(target error) bool { return target == errStalled }

// classifyIn is classify for a step that may have failed because the context ended.
func (f *fetcher) classifyIn(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return f.classify(op, err)
}

// classify turns what ended a transfer into an [*Error], in words that are fit for a
// log. Signals, errors of the disk, and faults of a credential's file or of the missing git
// are returned as they are.
func (f *fetcher) classify(op string, err error) error {
	var (
		failed *Error
		cred   *credential.Error
		noGit  *remote.NoGitError
		path   *os.PathError
	)
	if errors.As(err, &failed) || errors.As(err, &cred) || errors.As(err, &noGit) || errors.As(err, &path) || errors.Is(err, context.Canceled) {
		return err
	}
	e := f.reason(err)
	e.Op, e.Err = op, &saidError{e.Err, f.secrets()}
	return &e
}

// reason says what a failure means and whether another try may help. Where it can, it names
// the cause more clearly.
func (f *fetcher) reason(err error) Error {
	var (
		web      *answer.Error
		proxy    *remote.ProxyError
		refusing *remote.ProxyRefusal
		redirect *remote.RedirectError
		cert     *remote.ClientCertError
		protocol *uploadpack.ProtocolError
		refused  *uploadpack.RemoteError
		ended    *answer.EndedError
		format   *uploadpack.FormatError
		unknown  *uploadpack.UnknownFormatError
		bundled  *bundle.Error
		content  *lfs.ContentError
		object   *lfs.ObjectError
		strange  *lfs.AnswerError
		none     *remote.NoObjectError
		command  *remote.CommandError
	)
	switch {
	case errors.Is(err, errStalled):
		return Error{Reason: Stalled, Err: err, tries: -1}
	case errors.Is(err, errNoPack):
		return Error{Reason: Stalled, Err: fmt.Errorf("%w of %v", err, f.params.PackTimeout), tries: few}
	case errors.Is(err, errTimedOut):
		return Error{Reason: TimedOut, Err: fmt.Errorf("%w (%v)", err, f.params.FetchTimeout.Round(time.Millisecond))}
	case errors.Is(err, errShare):
		return Error{Reason: TimedOut, Err: err, tries: -1}
	case errors.Is(err, uploadpack.ErrEmpty):
		return Error{Reason: Empty, Err: err}
	case errors.As(err, &format), errors.As(err, &unknown):
		return Error{Reason: OtherFormat, Err: err}
	case errors.As(err, &web):
		return answerReason(web, f.login.Header != "" || len(f.given) > 0)
	case errors.As(err, &proxy):
		return Error{Reason: Proxy, Err: proxy}
	case errors.As(err, &refusing):
		return Error{Reason: Proxy, Err: refusing, tries: map[bool]int{true: -1}[answer.Transient(refusing.Status)]} // a gateway may not reach the host yet
	case errors.As(err, &cert):
		return Error{Reason: ClientCert, Err: cert}
	case errors.As(err, &redirect):
		return Error{Reason: Unsuitable, Err: redirect} // without the errors that wrap it
	case errors.Is(err, remote.ErrNoHTTP):
		return Error{Reason: Unsuitable, Err: remote.ErrNoHTTP}
	case errors.Is(err, http.ErrSchemeMismatch):
		return Error{Reason: Unsuitable, Err: remote.ErrNoTLS}
	case errors.As(err, &content):
		return Error{Reason: BadAnswer, Err: content}
	case errors.As(err, &strange):
		return Error{Reason: BadAnswer, Err: strange}
	case errors.As(err, &object):
		return objectReason(object)
	case errors.As(err, &none), errors.Is(err, remote.ErrNoLFSDir):
		return Error{Reason: NotFound, Err: err}
	case errors.Is(err, errLinkExpired), errors.Is(err, errAccessExpired):
		return Error{Reason: Unsuitable, Err: err}
	case errors.Is(err, errNoAccess):
		return Error{Reason: Stalled, Err: err, tries: few}
	case errors.As(err, &command) && command.Missing:
		return Error{Reason: Unsuitable, Err: command}
	case errors.As(err, &command):
		return Error{Reason: Refused, Err: command, tries: few}
	case errors.As(err, &bundled):
		return Error{Reason: BadBundle, Err: bundled}
	case errors.As(err, &protocol), errors.Is(err, uploadpack.ErrTooMuch):
		return Error{Reason: BadAnswer, Err: err, tries: few}
	case errors.As(err, &refused):
		return Error{Reason: Refused, Err: refused, tries: few}
	case errors.As(err, &ended) && ended.Said != "":
		return Error{Reason: NotFound, Err: ended}
	case errors.As(err, &ended):
		return Error{Reason: Network, Err: ended, tries: -1}
	case errors.Is(err, remote.ErrNoRepository):
		return Error{Reason: NotFound, Err: err}
	}
	if e, ok := certificateReason(err, time.Now()); ok {
		return e
	}
	if e, ok := sshReason(err); ok {
		return e
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = fmt.Errorf("the connection ends in the middle of the answer: %w", io.ErrUnexpectedEOF)
	}
	return Error{Reason: Network, Err: err, tries: -1}
}

// objectReason says what it means that a server refuses one Git LFS object.
func objectReason(o *lfs.ObjectError) Error {
	switch {
	case o.Code == http.StatusNotFound, o.Code == http.StatusGone:
		return Error{Reason: NotFound, Err: o}
	case o.Code == http.StatusUnauthorized, o.Code == http.StatusForbidden:
		return Error{Reason: Auth, Err: o}
	case answer.Transient(o.Code):
		return Error{Reason: Network, Err: o, tries: -1}
	}
	return Error{Reason: Refused, Err: o}
}

// answerReason says what an answer means. token says whether a token was sent.
func answerReason(a *answer.Error, token bool) Error {
	e := Error{Reason: Unsuitable, Err: a}
	switch {
	case a.Asked && a.Status >= 400 && a.Status < 500:
		e.Reason = ClientCert
	case a.Status == http.StatusUnauthorized:
		e.Reason = Auth
		said := a.What
		switch {
		case a.Foreign != "":
			a.What = a.Foreign + ", to which the server redirects, wants a login, and the token goes to the repository's own host alone"
		case token:
			a.What = "the server refuses the token"
		default:
			a.What = "the server wants a login, and the config names no token"
		}
		if a.Schemes != "" {
			a.What += "; it offers " + a.Schemes
		}
		if said != "" {
			a.What += "; it says " + said
		}
	case a.Status == http.StatusForbidden:
		e.Reason = Auth
	case a.Status == http.StatusNotFound, a.Status == http.StatusGone:
		e.Reason = NotFound
	case a.Status == http.StatusProxyAuthRequired:
		e.Reason = Proxy
		a.What = "the proxy wants a login, or another one"
	case answer.Transient(a.Status):
		e.Reason, e.tries = Network, -1
	}
	if a.Waits && a.Status >= 300 {
		e.tries, e.pause = -1, a.Pause
	}
	return e
}

// certificateReason says what is wrong with a server's certificate or its TLS, and reports
// whether err is about either.
func certificateReason(err error, now time.Time) (Error, bool) {
	var (
		unknown x509.UnknownAuthorityError
		badHost x509.HostnameError
		badCert x509.CertificateInvalidError
		alert   *net.OpError
		record  tls.RecordHeaderError
	)
	const layout = "2006-01-02 15:04:05 MST"
	switch {
	case errors.As(err, &unknown):
		return Error{Reason: Authority, Err: errors.New("the server's certificate is from an authority that is not known here")}, true
	case errors.As(err, &badHost):
		return Error{Reason: Untrusted, Err: fmt.Errorf("the server's certificate is for another host: %w", badHost)}, true
	case errors.As(err, &badCert) && badCert.Reason == x509.Expired && now.Before(badCert.Cert.NotBefore):
		return Error{Reason: Clock, tries: -1, Err: fmt.Errorf("the server's certificate is not valid before %s, and the clock of this machine says %s", badCert.Cert.NotBefore.UTC().Format(layout), now.UTC().Format(layout))}, true
	case errors.As(err, &badCert) && badCert.Reason == x509.Expired:
		return Error{Reason: Clock, Err: fmt.Errorf("the server's certificate expired on %s, and the clock of this machine says %s", badCert.Cert.NotAfter.UTC().Format(layout), now.UTC().Format(layout))}, true
	case errors.As(err, &badCert):
		return Error{Reason: Untrusted, Err: badCert}, true
	case errors.As(err, &alert) && alert.Op == "remote error":
		return Error{Reason: Unsuitable, tries: few, Err: fmt.Errorf("the server ends the TLS handshake: %w", alert.Err)}, true
	case errors.As(err, &record):
		return Error{Reason: Unsuitable, Err: remote.ErrNoTLS}, true
	case strings.HasPrefix(err.Error(), "tls: "): // the library has no types for the rest
		return Error{Reason: Unsuitable, tries: few, Err: err}, true
	}
	return Error{}, false
}

// sshReason says what an error of an SSH connection means, and reports whether err is one.
func sshReason(err error) (Error, bool) {
	var login *remote.LoginError
	var host *remote.HostError
	var start *ssh.ExitError
	switch {
	case errors.As(err, &login):
		return Error{Reason: Auth, Err: login}, true
	case errors.As(err, &host):
		return Error{Reason: Untrusted, Err: host}, true
	case errors.Is(err, remote.ErrNoSSH):
		return Error{Reason: Unsuitable, Err: err}, true
	case errors.As(err, &start):
		return Error{Reason: NotFound, Err: err}, true
	}
	return Error{}, false
}
