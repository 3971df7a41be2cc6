// Package pccstest is a provisioning certificate caching service for tests: Intel's PCS
// API, version 4, on loopback, with collateral of the simulator and faults on demand.
package pccstest

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"

	"gitlauncher/internal/sim/tdx"
)

// Fault answers a request wrongly and returns true, or returns false and leaves it to
// the service.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// Service is a running service.
type Service struct {
	*httptest.Server
	asked  atomic.Int64
	broken atomic.Pointer[Fault]
}

// Asked returns how many requests came.
func (s *Service) Asked() int { return int(s.asked.Load()) }

// Break lets a fault see each request first. Nil ends that.
func (s *Service) Break(f Fault) {
	if f == nil {
		s.broken.Store(nil)
		return
	}
	s.broken.Store(&f)
}

// Start serves collateral until Close is called.
func Start(c tdx.Collateral) *Service {
	s := new(Service)
	signed := func(w http.ResponseWriter, header, chain, name, body, sig string) {
		w.Header().Set(header, url.QueryEscape(chain))
		fmt.Fprintf(w, `{%q:%s,"signature":%q}`, name, body, sig)
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if f := s.broken.Load(); f != nil && (*f)(w, r) {
			return
		}
		switch r.URL.Path {
		case "/tdx/certification/v4/tcb":
			signed(w, "TCB-Info-Issuer-Chain", c.TCBInfoIssuerChain, "tcbInfo", c.TCBInfo, c.TCBInfoSignature)
		case "/tdx/certification/v4/qe/identity":
			signed(w, "SGX-Enclave-Identity-Issuer-Chain", c.QEIdentityIssuerChain, "enclaveIdentity", c.QEIdentity, c.QEIdentitySignature)
		case "/sgx/certification/v4/pckcrl":
			w.Header().Set("SGX-PCK-CRL-Issuer-Chain", url.QueryEscape(c.PCKCRLIssuerChain))
			der, _ := hex.DecodeString(c.PCKCRL)
			w.Write(der)
		case "/sgx/certification/v4/rootcacrl":
			io.WriteString(w, c.RootCACRL) // caching services send hex
		default:
			http.NotFound(w, r)
		}
	}))
	return s
}
