package sigstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	"github.com/theupdateframework/go-tuf/v2/metadata/fetcher"
)

// Client fetches from Sigstore and from registries. The zero value is ready for use.
type Client struct {
	Repository string        // Sigstore's TUF repository; empty: the public one
	Patience   time.Duration // how long one call may take; 0: two minutes
}

const patience = 2 * time.Minute

func (c Client) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(c.Patience, patience))
}

// noAnswer returns err, or a plain error if the deadline has passed.
func (c Client) noAnswer(ctx context.Context, who string, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s gave no answer within %s", who, cmp.Or(c.Patience, patience))
	}
	return err
}

// requester makes requests on behalf of a context, for a library that has none.
type requester func(*http.Request) (*http.Response, error)

// Do makes a request.
func (r requester) Do(req *http.Request) (*http.Response, error) { return r(req) }

// TrustedRoot fetches Sigstore's trusted root through TUF.
func (c Client) TrustedRoot(ctx context.Context) (root.TrustedMaterial, error) {
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	options := tuf.DefaultOptions()
	if c.Repository != "" {
		options.RepositoryBaseURL = c.Repository
	}
	f := fetcher.NewDefaultFetcher() // its own client waits forever
	f.SetHTTPClient(requester(func(r *http.Request) (*http.Response, error) { return http.DefaultClient.Do(r.WithContext(ctx)) }))
	options.Fetcher = f
	trusted, err := root.FetchTrustedRootWithOptions(options)
	if err != nil {
		return nil, fmt.Errorf("fetching Sigstore's trusted root from %s: %w", options.RepositoryBaseURL, c.noAnswer(ctx, options.RepositoryBaseURL, err))
	}
	return trusted, nil
}
