package tdx

import (
	"crypto/x509/pkix"
	"encoding/hex"
)

// Sibling returns a PKI with the same root, signer and machine, whose PCK certificate
// comes from another certificate of the intermediate CA, with the same key or another
// one. Its collateral is as good as that of p.
func (p *PKI) Sibling(serial int64, sameKey bool) (*PKI, error) {
	s := *p
	s.intermediate = issued{}
	if sameKey {
		s.intermediate.key = p.intermediate.key
	}
	if err := issue(&s.intermediate, &s.root, DatedPlatform, serial, true, rootURL, p.platform.dates(DatedPlatform), nil); err != nil {
		return nil, err
	}
	sgx, err := sgxExtension(p.platform)
	if err != nil {
		return nil, err
	}
	s.pck = issued{}
	err = issue(&s.pck, &s.intermediate, DatedPCK, SerialPCK, false, pckURL, p.platform.dates(DatedPCK), []pkix.Extension{sgx})
	return &s, err
}

// Resign signs the TCB info and the QE identity as they now stand.
func (p *PKI) Resign(c *Collateral) error {
	for _, part := range []struct{ body, signature *string }{{&c.TCBInfo, &c.TCBInfoSignature}, {&c.QEIdentity, &c.QEIdentitySignature}} {
		sig, err := sign(p.signing.key, []byte(*part.body))
		if err != nil {
			return err
		}
		*part.signature = hex.EncodeToString(sig)
	}
	return nil
}
