package tdx

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Get answers a request to Intel's provisioning service with this collateral, in
// the shape of go-tdx-guest's own getters: for tests against that verifier.
func (c *Collateral) Get(address string) (header map[string][]string, body []byte, err error) {
	chain := func(name, pem string) map[string][]string {
		return map[string][]string{name: {url.QueryEscape(pem)}}
	}
	switch {
	case strings.Contains(address, "pckcrl"):
		body, err = hex.DecodeString(c.PCKCRL)
		return chain("Sgx-Pck-Crl-Issuer-Chain", c.PCKCRLIssuerChain), body, err
	case strings.Contains(address, "/tcb?"):
		return chain("Tcb-Info-Issuer-Chain", c.TCBInfoIssuerChain), fmt.Appendf(nil, `{"tcbInfo":%s,"signature":%q}`, c.TCBInfo, c.TCBInfoSignature), nil
	case strings.Contains(address, "identity"):
		return chain("Sgx-Enclave-Identity-Issuer-Chain", c.QEIdentityIssuerChain), fmt.Appendf(nil, `{"enclaveIdentity":%s,"signature":%q}`, c.QEIdentity, c.QEIdentitySignature), nil
	case strings.Contains(address, "RootCA"):
		body, err = hex.DecodeString(c.RootCACRL)
		return nil, body, err
	}
	return nil, nil, errors.New("unexpected " + address)
}
