package gitpin

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh/knownhosts"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// session is what is used of a go-git upload-pack session. Remote.Fetch is not
// used: it refuses a commit that no reference points at, and buffers objects.
type session interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

var (
	errStalled  = errors.New("no byte of the pack has come for the stall timeout")
	errTimedOut = errors.New("the fetch timeout is over")
	// errRefused: the server does not hand out a commit that it does not advertise.
	errRefused = errors.New("the server refuses a commit that no reference points at")
)

// fetcher gets one pack that holds the pin.
type fetcher struct {
	*Params
	token string
	web   *web // of the attempt under way; nil but for HTTP
}

// fetch runs consume over a pack from the server, again after passing faults.
// consume must begin from nothing each time.
func (f *fetcher) fetch(ctx context.Context, consume func(context.Context, io.Reader) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, f.FetchTimeout, errTimedOut)
	defer cancel()
	if err := f.readToken(); err != nil {
		return err
	}
	everything := false // all references with their history, instead of the pin alone
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = 30 * time.Second
	for try := 0; ; try++ {
		err := f.attempt(ctx, everything, consume)
		if errors.Is(err, errRefused) && !everything {
			f.Log.Info("the server hands out advertised commits only; fetching all references and their history", "step", "fetch")
			everything = true
			err = f.attempt(ctx, everything, consume)
		}
		var fe *FetchError
		if err == nil || !errors.As(err, &fe) || !fe.retryable() || try >= f.Retries {
			return err
		}
		pause := wait.NextBackOff()
		if f.web != nil && f.web.retry > pause {
			pause = f.web.retry
		}
		f.Log.Warn("fetching failed, trying again", "step", "fetch", "error", err.Error(), "in", pause.Round(time.Millisecond).String(), "left", f.Retries-try)
		if err := f.Sleep(ctx, pause); err != nil {
			return f.classify("waiting to fetch again", context.Cause(ctx))
		}
	}
}

func (e *FetchError) retryable() bool { return e.Reason == Network || e.Reason == Stalled }

func (f *fetcher) attempt(ctx context.Context, everything bool, consume func(context.Context, io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(f.StallTimeout, func() { cancel(errStalled) })
	defer watch.Stop()

	s, err := f.open(ctx)
	if err != nil {
		return f.classifyIn(ctx, "connecting to the repository", err)
	}
	defer s.Close()
	req, res, refused, err := f.ask(ctx, s, everything, watch)
	if err != nil {
		return err
	}
	if res == nil {
		req, res, err = f.askAdvertised(ctx, s, everything, watch, refused)
		if err != nil {
			return err
		}
	}
	defer res.Close()
	first := true
	body := &packReader{ctx: ctx, r: demux(req, res), moved: func(n int, err error) {
		if err == nil {
			watch.Reset(f.StallTimeout)
		} else {
			watch.Stop() // what is left to do takes its time, but waits for nobody
		}
		if first && n > 0 {
			first = false
			f.Stage(StageReceiving)
		}
		f.Progress(int64(n))
	}}
	defer body.end()
	if err := consume(ctx, body); err != nil {
		return f.classifyIn(ctx, "receiving the pack", err)
	}
	return nil
}

// ask wants the pin of a web server at once, without its references: over HTTP they
// take a request of their own and, since there is one for every pull request that ever
// was, often more bytes than the pack. What any server of the last ten years can do
// is taken for granted. No answer and no error means that this server must be asked
// in the usual way; refused, that it understood and would not.
func (f *fetcher) ask(ctx context.Context, s session, everything bool, watch *time.Timer) (req *packp.UploadPackRequest, res *packp.UploadPackResponse, refused bool, err error) {
	if f.web == nil || everything {
		return nil, nil, false, nil
	}
	req = packp.NewUploadPackRequest()
	for _, c := range f.wanted() {
		req.Capabilities.Set(c)
	}
	f.want(req, true)
	res, err = within(ctx, func() (*packp.UploadPackResponse, error) { return s.UploadPack(ctx, req) })
	if err == nil {
		return req, res, false, nil
	}
	var wrapped *plumbing.UnexpectedError // it hides what it holds
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	switch status := f.web.status; {
	case ctx.Err() != nil, status == 0, status >= 500,
		status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound, status == http.StatusTooManyRequests:
		return nil, nil, false, f.classifyIn(ctx, "asking for the commit", err)
	default:
		watch.Reset(f.StallTimeout)
		return nil, nil, status == http.StatusOK, nil
	}
}

// askAdvertised reads the references and asks for what the server says it has.
func (f *fetcher) askAdvertised(ctx context.Context, s session, everything bool, watch *time.Timer, refused bool) (*packp.UploadPackRequest, *packp.UploadPackResponse, error) {
	adv, err := within(ctx, func() (*packp.AdvRefs, error) { return s.AdvertisedReferencesContext(ctx) })
	if err != nil {
		return nil, nil, f.classifyIn(ctx, "reading the repository's references", err)
	}
	req, advertised, err := f.request(adv, everything)
	if err != nil {
		return nil, nil, err
	}
	if refused && !advertised {
		return nil, nil, errRefused
	}
	watch.Reset(f.StallTimeout)
	res, err := within(ctx, func() (*packp.UploadPackResponse, error) { return s.UploadPack(ctx, req) })
	if err != nil {
		if !everything && !advertised && ctx.Err() == nil && (f.web == nil || f.web.status == http.StatusOK) {
			return nil, nil, errRefused
		}
		return nil, nil, f.classifyIn(ctx, "asking for the commit", err)
	}
	return req, res, nil
}

// within runs a call that may not heed its context, and stops waiting for it at
// the context's end. The deferred Close of the session ends the call itself.
func within[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type answer struct {
		v   T
		err error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := call()
		done <- answer{v, err}
	}()
	select {
	case a := <-done:
		return a.v, a.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

func (f *fetcher) open(ctx context.Context) (session, error) {
	switch f.Repo.Scheme {
	case config.File:
		return newLocalSession(ctx, f.Repo.Path)
	case config.SSH:
		return sshSession(ctx, f.Repo, f.Auth.SSHKeyFile, f.Auth.KnownHostsFile)
	}
	var err error
	if f.web, err = newWeb(f.Repo, f.token, f.StallTimeout); err != nil {
		return nil, err
	}
	return f.web.session(f.Repo)
}

// request asks for the pin alone, or for everything that is advertised.
func (f *fetcher) request(adv *packp.AdvRefs, everything bool) (req *packp.UploadPackRequest, advertised bool, err error) {
	if formats := adv.Capabilities.Get("object-format"); len(formats) > 0 && formats[0] != "sha1" {
		return nil, false, &FetchError{Unsuitable, "reading the repository's references", object.ErrSHA256}
	}
	req = packp.NewUploadPackRequest()
	for _, c := range f.wanted() {
		if adv.Capabilities.Supports(c) {
			req.Capabilities.Set(c)
		}
	}
	tips := make(map[plumbing.Hash]bool)
	for name, h := range adv.References {
		if strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/") {
			tips[h] = true
		}
	}
	if adv.Head != nil {
		tips[*adv.Head] = true
	}
	pin := plumbing.Hash(f.Commit)
	if everything {
		for h := range tips {
			req.Wants = append(req.Wants, h)
		}
		return req, true, nil
	}
	f.want(req, adv.Capabilities.Supports(capability.Shallow))
	return req, tips[pin], nil
}

// wanted are the capabilities that are used where a server has them.
func (f *fetcher) wanted() []capability.Capability {
	w := []capability.Capability{capability.OFSDelta, capability.Sideband64k, capability.NoProgress, capability.Shallow}
	if f.FullHistory {
		w = append(w, "include-tag")
	}
	return w
}

// want asks for the pin, of depth 1 if that is enough and can be had.
func (f *fetcher) want(req *packp.UploadPackRequest, shallow bool) {
	req.Wants = []plumbing.Hash{plumbing.Hash(f.Commit)}
	if shallow && !f.FullHistory {
		req.Depth = packp.DepthCommits(1)
	}
}

// demux takes the pack out of the side-band; progress text is thrown away, and
// what the server says on the error channel becomes the error.
func demux(req *packp.UploadPackRequest, res io.Reader) io.Reader {
	if req.Capabilities.Supports(capability.Sideband64k) {
		return sideband.NewDemuxer(sideband.Sideband64k, res)
	}
	return res
}

// packReader tells of every byte of the pack, and ends with its context even
// where the reader below does not. It may be read beyond its end, on another core.
type packReader struct {
	ctx context.Context
	r   io.Reader

	mu    sync.Mutex
	moved func(int, error) // told of each reading; nil at the end
}

func (r *packReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	n, err := r.r.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.moved != nil {
		r.moved(n, err)
	}
	if err != nil && r.ctx.Err() != nil {
		err = context.Cause(r.ctx)
	}
	return n, err
}

// end makes what still comes be nobody's.
func (r *packReader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved = nil
}

func (f *fetcher) classifyIn(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return f.classify(op, err)
}

// classify turns an error of a transfer into one of this package's. Errors about
// the pin itself pass through.
func (f *fetcher) classify(op string, err error) error {
	err = f.sort(op, err)
	if fetch, ok := err.(*FetchError); ok {
		if _, done := fetch.Err.(*heardError); !done {
			fetch.Err = &heardError{fetch.Err, f.token}
		}
	}
	return err
}

func (f *fetcher) sort(op string, err error) error {
	var (
		fetch    *FetchError
		badPack  *pack.Error
		limit    *pack.LimitError
		tree     *object.TreeError
		mismatch *MismatchError
		missing  *MissingObjectError
		cred     *CredentialError
		path     *os.PathError
		keyErr   *knownhosts.KeyError
		unknown  x509.UnknownAuthorityError
		badHost  x509.HostnameError
		badCert  x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &fetch), errors.As(err, &tree), errors.As(err, &mismatch), errors.As(err, &missing), errors.As(err, &cred),
		errors.Is(err, object.ErrCollision), errors.As(err, &path), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &limit):
		return &FetchError{TooLarge, op, err}
	case errors.As(err, &badPack):
		return &FetchError{BadAnswer, op, err}
	case errors.Is(err, errStalled):
		return &FetchError{Stalled, op, fmt.Errorf("%w of %v", err, f.StallTimeout)}
	case errors.Is(err, errTimedOut):
		return &FetchError{TimedOut, op, fmt.Errorf("%w, which is %v", err, f.FetchTimeout)}
	case errors.As(err, &keyErr):
		what := "is not in the known-hosts file"
		if len(keyErr.Want) > 0 {
			what = "is not the one in the known-hosts file; somebody may be in between"
		}
		return &FetchError{Untrusted, op, errors.New("the SSH host's key " + what)}
	case errors.As(err, &unknown), errors.As(err, &badHost), errors.As(err, &badCert):
		return &FetchError{Untrusted, op, err}
	case strings.Contains(err.Error(), "ssh: handshake failed"), strings.Contains(err.Error(), "ssh: unable to authenticate"):
		return &FetchError{Auth, op, errors.New("the SSH server refuses the key")}
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return &FetchError{Auth, op, f.withStatus(err)}
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return &FetchError{NotFound, op, f.withStatus(err)}
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return &MismatchError{f.Commit, "the repository is empty"}
	}
	if f.web != nil {
		switch s := f.web.status; {
		case s == http.StatusTooManyRequests, s >= 500:
			return &FetchError{Network, op, f.withStatus(err)}
		case s >= 300 && s != http.StatusNotFound:
			return &FetchError{Unsuitable, op, f.withStatus(err)}
		}
	}
	return &FetchError{Network, op, err}
}

// withStatus adds the HTTP status, which go-git's errors leave out.
func (f *fetcher) withStatus(err error) error {
	if f.web == nil || f.web.status == 0 {
		return err
	}
	return fmt.Errorf("%w (HTTP %d)", err, f.web.status)
}
