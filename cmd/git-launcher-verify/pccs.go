package main

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
	"time"

	"github.com/cenkalti/backoff/v5"

	"gitlauncher/internal/atomicfile"
	"gitlauncher/internal/strictjson"
	"gitlauncher/verify/quote"
)

// Intel's own service, and where it publishes the root's revocation list.
const (
	intelPCS     = "https://api.trustedservices.intel.com"
	intelRootCRL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
)

// pccs fetches collateral from a provisioning certificate (caching) service:
// Intel's PCS API version 4, which caching services copy.
type pccs struct {
	base   string
	client *http.Client
	cache  string // a directory; empty: none
	root   *quote.Root
	now    func() time.Time
}

const (
	fetchTimeout = 30 * time.Second // a request
	fetchTries   = 3
	cacheFor     = 12 * time.Hour // Intel issues anew about daily, for thirty days
)

func newPCCS(base string, root *quote.Root, now func() time.Time) *pccs {
	p := &pccs{base: base, root: root, now: now, client: &http.Client{Timeout: fetchTimeout}}
	if dir, err := os.UserCacheDir(); err == nil {
		p.cache = filepath.Join(dir, "git-launcher-verify")
	}
	return p
}

// collateral gives the collateral of a processor family. What the cache holds is
// as little believed as what the service sends: both are judged by signatures,
// and what is not good now is not kept.
func (p *pccs) collateral(ctx context.Context, fmspc string) (*quote.Collateral, error) {
	file := ""
	if p.cache != "" {
		sum := sha256.Sum256([]byte(p.base + " " + fmspc))
		file = filepath.Join(p.cache, "collateral-"+hex.EncodeToString(sum[:8])+".json")
		if info, err := os.Stat(file); err == nil && p.now().Sub(info.ModTime()).Abs() < cacheFor {
			if data, err := os.ReadFile(file); err == nil {
				if c, err := quote.ParseCollateral(data); err == nil && c.Check(p.root, p.now()).Good() {
					return c, nil
				}
			}
		}
	}
	c, err := p.fetch(ctx, fmspc)
	if err != nil {
		return nil, fmt.Errorf("fetching collateral from %s: %w", p.base, err)
	}
	if file != "" && c.Check(p.root, p.now()).Good() {
		_ = store(file, c) // a cache is a courtesy
	}
	return c, nil
}

func (p *pccs) fetch(ctx context.Context, fmspc string) (*quote.Collateral, error) {
	c := new(quote.Collateral)
	header, body, err := p.get(ctx, p.base+"/tdx/certification/v4/tcb?fmspc="+url.QueryEscape(fmspc))
	if err != nil {
		return nil, err
	}
	if c.TCBInfoIssuerChain, err = chainOf(header, "Tcb-Info-Issuer-Chain"); err == nil {
		c.TCBInfo, c.TCBInfoSignature, err = signedPart(body, "tcbInfo")
	}
	if err != nil {
		return nil, fmt.Errorf("TCB info: %w", err)
	}
	if header, body, err = p.get(ctx, p.base+"/tdx/certification/v4/qe/identity"); err != nil {
		return nil, err
	}
	if c.QEIdentityIssuerChain, err = chainOf(header, "Sgx-Enclave-Identity-Issuer-Chain"); err == nil {
		c.QEIdentity, c.QEIdentitySignature, err = signedPart(body, "enclaveIdentity")
	}
	if err != nil {
		return nil, fmt.Errorf("QE identity: %w", err)
	}
	if header, body, err = p.get(ctx, p.base+"/sgx/certification/v4/pckcrl?ca=platform&encoding=der"); err != nil {
		return nil, err
	}
	if c.PCKCRLIssuerChain, err = chainOf(header, "Sgx-Pck-Crl-Issuer-Chain"); err != nil {
		return nil, fmt.Errorf("PCK CRL: %w", err)
	}
	c.PCKCRL = derOf(body)
	root := intelRootCRL
	if p.base != intelPCS {
		root = p.base + "/sgx/certification/v4/rootcacrl"
	}
	if _, body, err = p.get(ctx, root); err != nil {
		return nil, err
	}
	c.RootCACRL = derOf(body)
	return c, nil
}

// get fetches with a few tries; an answer that is an error is one at once.
func (p *pccs) get(ctx context.Context, address string) (http.Header, []byte, error) {
	type answer struct {
		header http.Header
		body   []byte
	}
	a, err := backoff.Retry(ctx, func() (answer, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return answer{}, backoff.Permanent(err)
		}
		resp, err := p.client.Do(req)
		if err != nil {
			return answer{}, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, quote.MaxCollateral+1))
		switch {
		case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
			return answer{}, fmt.Errorf("%s: %s", address, resp.Status)
		case resp.StatusCode != http.StatusOK:
			return answer{}, backoff.Permanent(fmt.Errorf("%s: %s", address, resp.Status))
		case err != nil:
			return answer{}, err
		case len(body) > quote.MaxCollateral:
			return answer{}, backoff.Permanent(fmt.Errorf("%s: the answer is larger than %d MiB", address, quote.MaxCollateral>>20))
		}
		return answer{resp.Header, body}, nil
	}, backoff.WithMaxTries(fetchTries))
	return a.header, a.body, err
}

// chainOf is a PEM chain from a header, where it is URL-encoded.
func chainOf(h http.Header, name string) (string, error) {
	v, err := url.QueryUnescape(h.Get(name))
	if err == nil && v == "" {
		err = fmt.Errorf("the answer has no %s", name)
	}
	return v, err
}

// signedPart is the exact bytes of a member, which are signed, and the signature.
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

// derOf takes a list as DER, or as the hex that caching services send.
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
