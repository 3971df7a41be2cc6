package pccs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"gitlauncher/internal/atomicfile"
	"gitlauncher/internal/strictjson"
	"gitlauncher/verify/quote"
)

// Intel is the address of Intel's own service.
const Intel = "https://api.trustedservices.intel.com"

// intelRootCRL is where Intel publishes the root's revocation list.
const intelRootCRL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"

const (
	fetchTimeout = 30 * time.Second // a request
	fetchTries   = 3
	cacheFor     = 12 * time.Hour // Intel issues anew about daily, for thirty days
)

// Client fetches collateral, once for each processor family. It is safe for
// concurrent use.
type Client struct {
	base   string
	client *http.Client
	cache  string // a directory; empty: none
	root   *quote.Root
	now    func() time.Time

	mu   sync.Mutex
	have map[string]answer // by FMSPC
}

type answer struct {
	collateral *quote.Collateral
	err        error
}

// New returns a client of the service at base, an address without a slash at its end.
// Collateral that is good under root is kept in a folder below the user's cache folder.
func New(base string, root *quote.Root, now func() time.Time) *Client {
	c := &Client{base: base, root: root, now: now, client: &http.Client{Timeout: fetchTimeout}, have: make(map[string]answer)}
	if dir, err := os.UserCacheDir(); err == nil {
		c.cache = filepath.Join(dir, "git-launcher-verify")
	}
	return c
}

// Collateral returns the collateral of a processor family. An error is remembered, too,
// so that a batch of a thousand receipts does not ask a broken service a thousand
// times.
func (c *Client) Collateral(ctx context.Context, fmspc string) (*quote.Collateral, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.have[fmspc]
	if !ok {
		a.collateral, a.err = c.cached(ctx, fmspc)
		c.have[fmspc] = a
	}
	return a.collateral, a.err
}

// cached returns collateral from the cache, or else fetches it. The cache is trusted no
// more than the service: both are judged by signatures, and only what is good now is
// kept.
func (c *Client) cached(ctx context.Context, fmspc string) (*quote.Collateral, error) {
	file := ""
	if c.cache != "" {
		sum := sha256.Sum256([]byte(c.base + " " + fmspc))
		file = filepath.Join(c.cache, "collateral-"+hex.EncodeToString(sum[:8])+".json")
		if kept := c.load(file); kept != nil {
			return kept, nil
		}
	}
	fresh, err := c.fetch(ctx, fmspc)
	if err != nil {
		return nil, fmt.Errorf("fetching collateral from %s: %w", c.base, err)
	}
	if file != "" && fresh.Check(c.root, c.now()).Good() {
		_ = store(file, fresh) // a cache that can't be written costs only time
	}
	return fresh, nil
}

// load returns what a file of the cache holds, or nil if that is missing, old, too
// large or not good now.
func (c *Client) load(file string) *quote.Collateral {
	info, err := os.Stat(file)
	if err != nil || c.now().Sub(info.ModTime()).Abs() >= cacheFor || info.Size() > quote.MaxCollateral {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	kept, err := quote.ParseCollateral(data)
	if err != nil || !kept.Check(c.root, c.now()).Good() {
		return nil
	}
	return kept
}

func (c *Client) fetch(ctx context.Context, fmspc string) (*quote.Collateral, error) {
	out := new(quote.Collateral)
	header, body, err := c.get(ctx, c.base+"/tdx/certification/v4/tcb?fmspc="+url.QueryEscape(fmspc))
	if err != nil {
		return nil, err
	}
	if out.TCBInfoIssuerChain, err = chainOf(header, "Tcb-Info-Issuer-Chain"); err == nil {
		out.TCBInfo, out.TCBInfoSignature, err = signedPart(body, "tcbInfo")
	}
	if err != nil {
		return nil, fmt.Errorf("TCB info: %w", err)
	}
	if header, body, err = c.get(ctx, c.base+"/tdx/certification/v4/qe/identity"); err != nil {
		return nil, err
	}
	if out.QEIdentityIssuerChain, err = chainOf(header, "Sgx-Enclave-Identity-Issuer-Chain"); err == nil {
		out.QEIdentity, out.QEIdentitySignature, err = signedPart(body, "enclaveIdentity")
	}
	if err != nil {
		return nil, fmt.Errorf("QE identity: %w", err)
	}
	if header, body, err = c.get(ctx, c.base+"/sgx/certification/v4/pckcrl?ca=platform&encoding=der"); err != nil {
		return nil, err
	}
	if out.PCKCRLIssuerChain, err = chainOf(header, "Sgx-Pck-Crl-Issuer-Chain"); err != nil {
		return nil, fmt.Errorf("PCK CRL: %w", err)
	}
	out.PCKCRL = derOf(body)
	root := intelRootCRL
	if c.base != Intel {
		root = c.base + "/sgx/certification/v4/rootcacrl"
	}
	if _, body, err = c.get(ctx, root); err != nil {
		return nil, err
	}
	out.RootCACRL = derOf(body)
	return out, nil
}

// response is what a service answered.
type response struct {
	header http.Header
	body   []byte
}

// get fetches with a few tries. It does not ask again after an answer that says no.
func (c *Client) get(ctx context.Context, address string) (http.Header, []byte, error) {
	a, err := backoff.Retry(ctx, func() (response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return response{}, backoff.Permanent(err)
		}
		resp, err := c.client.Do(req)
		if err != nil {
			return response{}, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, quote.MaxCollateral+1))
		switch {
		case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
			return response{}, fmt.Errorf("%s: %s", address, resp.Status)
		case resp.StatusCode != http.StatusOK:
			return response{}, backoff.Permanent(fmt.Errorf("%s: %s", address, resp.Status))
		case err != nil:
			return response{}, err
		case len(body) > quote.MaxCollateral:
			return response{}, backoff.Permanent(fmt.Errorf("%s: the answer is larger than %d MiB", address, quote.MaxCollateral>>20))
		}
		return response{resp.Header, body}, nil
	}, backoff.WithMaxTries(fetchTries))
	return a.header, a.body, err
}

// chainOf returns a PEM chain from a header, in which it is URL-encoded.
func chainOf(h http.Header, name string) (string, error) {
	v, err := url.QueryUnescape(h.Get(name))
	if err == nil && v == "" {
		err = fmt.Errorf("the answer has no %s", name)
	}
	return v, err
}

// signedPart returns the exact bytes of a member, which are signed, and the signature.
func signedPart(body []byte, name string) (string, []byte, error) {
	var doc map[string]json.RawMessage
	if err := strictjson.Unmarshal(body, &doc); err != nil {
		return "", nil, err
	}
	var sig strictjson.Bytes
	if err := strictjson.Unmarshal(doc["signature"], &sig); err != nil {
		return "", nil, errors.New("the answer has no signature in hex")
	}
	if len(doc[name]) == 0 {
		return "", nil, fmt.Errorf("the answer has no %s", name)
	}
	return string(doc[name]), sig, nil
}

// derOf returns a list as DER. Caching services send it as hex.
func derOf(body []byte) []byte {
	if der, err := hex.DecodeString(string(body)); err == nil && len(der) > 0 {
		return der
	}
	return body
}

// store writes the cache, atomically.
func store(file string, c *quote.Collateral) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return atomicfile.Write(file, data, 0o600)
}
