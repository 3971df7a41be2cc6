package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/bounded"
)

// session is what is used of a go-git upload-pack session. Remote.Fetch is not
// used: it refuses a commit that no reference points at, and buffers objects.
type session interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

// open connects to the repository.
func (f *fetcher) open(ctx context.Context) (session, error) {
	repo := f.params.Repo
	switch repo.Scheme {
	case config.File:
		return newLocalSession(ctx, repo.Path)
	case config.SSH:
		return newSSHSession(ctx, repo, f.params.Auth)
	}
	var err error
	if f.web, err = newWeb(repo, f.token, f.params.StallTimeout); err != nil {
		return nil, err
	}
	return f.web.session(repo)
}

// attempt opens one connection, asks for the pack, and lets consume read it.
func (f *fetcher) attempt(ctx context.Context, everything bool, consume func(context.Context, io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := f.params.StallTimeout
	watch := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer watch.Stop()

	s, err := f.open(ctx)
	if err != nil {
		return f.classifyIn(ctx, "connecting to the repository", err)
	}
	defer s.Close()
	got, err := f.ask(ctx, s, everything, watch)
	if err != nil {
		return err
	}
	if got.res == nil {
		if got, err = f.askAdvertised(ctx, s, everything, watch, got.refused); err != nil {
			return err
		}
	}
	defer got.res.Close()
	first := true
	pack := &stream{ctx: ctx, r: demux(got.req, got.res), moved: func(n int, err error) {
		if err == nil {
			watch.Reset(stall)
		} else {
			watch.Stop() // what is left to do takes its time, but waits for nobody
		}
		if first && n > 0 {
			first = false
			f.params.Receiving()
		}
		f.params.Progress(int64(n))
	}}
	defer pack.end()
	if err := consume(ctx, pack); err != nil {
		if broken := pack.broke(err); broken != nil {
			return f.classify("receiving the pack", broken)
		}
		return err
	}
	return nil
}

// answer is what a server said to a request for a pack. Without res there was no pack
// and no fault either: this server must be asked in another way.
type answer struct {
	req     *packp.UploadPackRequest
	res     *packp.UploadPackResponse
	refused bool // the server understood, and would not
}

// ask wants the pin of a web server at once, without its references: over HTTP they
// take a request of their own and, since there is one for every pull request that ever
// was, often more bytes than the pack. What any server of the last ten years can do
// is taken for granted.
func (f *fetcher) ask(ctx context.Context, s session, everything bool, watch *time.Timer) (answer, error) {
	if f.web == nil || everything {
		return answer{}, nil
	}
	req := packp.NewUploadPackRequest()
	for _, c := range f.capabilities() {
		req.Capabilities.Set(c)
	}
	f.want(req, true)
	res, err := bounded.Call(ctx, func() (*packp.UploadPackResponse, error) { return s.UploadPack(ctx, req) })
	if err == nil {
		return answer{req: req, res: res}, nil
	}
	var wrapped *plumbing.UnexpectedError // it hides what it holds
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	switch status := f.web.status; {
	case ctx.Err() != nil, status == 0, status >= 500,
		status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound, status == http.StatusTooManyRequests:
		return answer{}, f.classifyIn(ctx, "asking for the commit", err)
	default:
		watch.Reset(f.params.StallTimeout)
		return answer{refused: status == http.StatusOK}, nil
	}
}

// askAdvertised reads the references and asks for what the server says it has.
func (f *fetcher) askAdvertised(ctx context.Context, s session, everything bool, watch *time.Timer, refused bool) (answer, error) {
	adv, err := bounded.Call(ctx, func() (*packp.AdvRefs, error) { return s.AdvertisedReferencesContext(ctx) })
	if err != nil {
		return answer{}, f.classifyIn(ctx, "reading the repository's references", err)
	}
	req, advertised, err := f.request(adv, everything)
	if err != nil {
		return answer{}, err
	}
	if refused && !advertised {
		return answer{}, errRefused
	}
	watch.Reset(f.params.StallTimeout)
	res, err := bounded.Call(ctx, func() (*packp.UploadPackResponse, error) { return s.UploadPack(ctx, req) })
	if err != nil {
		if !everything && !advertised && ctx.Err() == nil && (f.web == nil || f.web.status == http.StatusOK) {
			return answer{}, errRefused
		}
		return answer{}, f.classifyIn(ctx, "asking for the commit", err)
	}
	return answer{req: req, res: res}, nil
}

// request asks for the pin alone, or for everything that is advertised.
func (f *fetcher) request(adv *packp.AdvRefs, everything bool) (req *packp.UploadPackRequest, advertised bool, err error) {
	if formats := adv.Capabilities.Get("object-format"); len(formats) > 0 && formats[0] != "sha1" {
		return nil, false, &Error{Unsuitable, "reading the repository's references", object.ErrSHA256}
	}
	req = packp.NewUploadPackRequest()
	for _, c := range f.capabilities() {
		if adv.Capabilities.Supports(c) {
			req.Capabilities.Set(c)
		}
	}
	tips := make(map[plumbing.Hash]bool)
	for name, h := range adv.References {
		if isBranchOrTag(name) {
			tips[h] = true
		}
	}
	if adv.Head != nil {
		tips[*adv.Head] = true
	}
	if everything {
		for h := range tips {
			req.Wants = append(req.Wants, h)
		}
		return req, true, nil
	}
	f.want(req, adv.Capabilities.Supports(capability.Shallow))
	return req, tips[plumbing.Hash(f.params.Commit)], nil
}

// isBranchOrTag reports whether a reference is a branch or a tag.
func isBranchOrTag(name string) bool {
	return strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/")
}

// capabilities are those that are used where a server has them.
func (f *fetcher) capabilities() []capability.Capability {
	c := []capability.Capability{capability.OFSDelta, capability.Sideband64k, capability.NoProgress, capability.Shallow}
	if f.params.History {
		c = append(c, "include-tag")
	}
	return c
}

// want asks for the pin, of depth 1 if that is enough and can be had.
func (f *fetcher) want(req *packp.UploadPackRequest, shallow bool) {
	req.Wants = []plumbing.Hash{plumbing.Hash(f.params.Commit)}
	if shallow && !f.params.History {
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
