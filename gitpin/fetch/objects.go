package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/answer"
	"gitlauncher/gitpin/fetch/remote"
	"gitlauncher/gitpin/lfs"
	"gitlauncher/internal/bounded"
)

// downloads is how many contents are downloaded at the same time.
const downloads = 4

// Objects calls store with each wanted content. The reader ends without an error only if its
// bytes are the content that the pointer names. The sources are asked in turn, as by [Fetch].
// at is the address of the Git LFS server, which then is the only source, or nil for the
// server that belongs to each repository. store must begin anew each time, and may be called
// for several contents at once. Errors are those of [Fetch] and of store.
func Objects(ctx context.Context, p Params, at *url.URL, wanted []lfs.Pointer, store func(lfs.Pointer, io.Reader) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.FetchTimeout, errTimedOut)
	defer cancel()
	if at != nil {
		p.Mirrors = nil
	}
	left := slices.Clone(wanted)
	return p.inTurn(ctx, func(ctx context.Context, f *fetcher) (err error) {
		left, err = f.objects(ctx, at, left, store)
		return err
	})
}

// objects fetches the contents from one source, and returns those that are still missing.
func (f *fetcher) objects(ctx context.Context, at *url.URL, wanted []lfs.Pointer, store func(lfs.Pointer, io.Reader) error) ([]lfs.Pointer, error) {
	ctx, alive, cancel := f.watched(ctx)
	defer cancel(nil)
	const op = "fetching Git LFS objects"
	if f.params.Repo.Scheme == config.File && at == nil {
		if err := f.localObjects(ctx, wanted, store); err != nil {
			return wanted, f.classifyIn(ctx, op, err)
		}
		return nil, nil
	}
	server, err := f.lfsServer(ctx, at, alive)
	if err != nil {
		return wanted, f.classifyIn(ctx, "connecting to the Git LFS server", err)
	}
	defer server.Close()
	d := &download{fetcher: f, server: server, store: store, retried: make(map[lfs.Pointer]bool)}
	for len(wanted) > 0 {
		now := min(len(wanted), lfs.MaxBatch)
		rest, err := d.some(ctx, wanted[:now])
		wanted = slices.Concat(rest, wanted[now:])
		if err != nil {
			var path *os.PathError
			if errors.As(err, &path) && ctx.Err() == nil {
				return wanted, err // an error of the disk
			}
			return wanted, f.classifyIn(ctx, op, err)
		}
	}
	return nil, nil
}

// download fetches contents from one Git LFS server.
type download struct {
	fetcher *fetcher
	server  *lfsServer
	store   func(lfs.Pointer, io.Reader) error
	retried map[lfs.Pointer]bool // contents that were asked for again because a link had lapsed
	told    sync.Mutex           // for fetcher.linked
}

// some fetches the contents of one batch. Without an error it returns those whose links had
// lapsed, which must be asked for again. With an error it returns all that are missing.
func (d *download) some(ctx context.Context, wanted []lfs.Pointer) ([]lfs.Pointer, error) {
	links, err := d.links(wanted)
	if err != nil {
		return wanted, err
	}
	var mu sync.Mutex
	var left []lfs.Pointer
	keep := func(p lfs.Pointer, again bool) {
		mu.Lock()
		defer mu.Unlock()
		left = append(left, p)
		d.retried[p] = d.retried[p] || again
	}
	var group errgroup.Group
	group.SetLimit(downloads)
	failed, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	for _, p := range wanted {
		mu.Lock()
		retried := d.retried[p]
		mu.Unlock()
		group.Go(func() error {
			if failed.Err() != nil {
				keep(p, false)
				return nil
			}
			err := d.one(p, links[p])
			switch {
			case err == nil:
				return nil
			case lapsed(links[p], err) && !retried:
				keep(p, true)
				return nil
			}
			keep(p, false)
			fail(err)
			return err
		})
	}
	err = group.Wait()
	return left, err
}

// lapsed reports whether err may mean that the link was good once and no longer is.
func lapsed(link *lfs.Link, err error) bool {
	var refused *answer.Error
	if errors.Is(err, errLinkExpired) {
		return true
	}
	return link.Failed == nil && errors.As(err, &refused) && !refused.Waits &&
		(refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden || refused.Status == http.StatusBadRequest)
}

var errLinkExpired = errors.New("the link to the content expired before it could be used")

// links asks the server for links to contents.
func (d *download) links(wanted []lfs.Pointer) (map[lfs.Pointer]*lfs.Link, error) {
	if err := d.server.renew(time.Now()); err != nil {
		return nil, err
	}
	batch := d.server.api.To.JoinPath("objects/batch")
	body, err := d.server.Send(remote.Message{Method: http.MethodPost, To: batch, Type: lfs.MediaType, Header: d.server.api.Header, Body: lfs.Request(wanted), Followed: d.followed})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, lfs.MaxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > lfs.MaxAnswer:
		return nil, &lfs.AnswerError{What: "has more than 4 MiB"}
	}
	links, err := lfs.ParseAnswer(text, wanted, batch, time.Now())
	if err != nil {
		return nil, err
	}
	d.fetcher.linked = nil // the batch before has ended
	for _, p := range wanted {
		d.heed(links[p])
	}
	return links, nil
}

// followed notes the address of a redirect. Its query may be signed, as that of a link.
func (d *download) followed(to *url.URL) { d.heed(&lfs.Link{To: to}) }

// heed notes the secrets of a link.
func (d *download) heed(link *lfs.Link) {
	d.told.Lock()
	defer d.told.Unlock()
	d.fetcher.linked = append(d.fetcher.linked, link.Secrets()...)
}

// one downloads one content.
func (d *download) one(p lfs.Pointer, link *lfs.Link) error {
	switch {
	case link.Failed != nil:
		return link.Failed
	case link.Expired(time.Now()):
		return errLinkExpired
	}
	body, err := d.server.Send(remote.Message{Method: http.MethodGet, To: link.To, Header: link.Header, Followed: d.followed})
	if err != nil {
		return err
	}
	defer body.Close()
	return d.store(p, &counting{p.Verify(body), d.fetcher.params.Progress})
}

// counting is a reader that reports how many bytes were read.
type counting struct {
	r     io.Reader
	moved func(n int64)
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.moved(int64(n))
	return n, err
}

// localObjects reads the contents from a repository on this machine, where git-lfs keeps
// them.
func (f *fetcher) localObjects(ctx context.Context, wanted []lfs.Pointer, store func(lfs.Pointer, io.Reader) error) error {
	repo, err := remote.OpenLFS(f.params.Repo.Path)
	if err != nil {
		return err
	}
	defer repo.Close()
	for _, p := range wanted {
		file, err := repo.Object(p.OID())
		if err != nil {
			return err
		}
		err = store(p, &counting{p.Verify(bounded.Reader(ctx, file)), f.params.Progress})
		file.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
