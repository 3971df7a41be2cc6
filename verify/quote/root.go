package quote

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	_ "embed" // Intel's root certificate
	"encoding/pem"
	"errors"
	"fmt"
)

// intelRoot is the root CA certificate that Intel publishes, the one with SHA-256
// fingerprint 44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3.
//
//go:embed intel-sgx-root-ca.pem
var intelRoot []byte

// Root is the certificate that everything must chain to.
type Root struct {
	cert  *x509.Certificate
	Intel bool // whether it is Intel's; any other proves nothing about hardware
}

// IntelRoot returns Intel's root CA.
func IntelRoot() (*Root, error) { return ParseRoot(intelRoot) }

// ParseRoot reads one certificate in PEM.
func ParseRoot(data []byte) (*Root, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("root: is not one certificate in PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	intel, _ := pem.Decode(intelRoot)
	return &Root{cert: cert, Intel: bytes.Equal(cert.Raw, intel.Bytes)}, nil
}

// Fingerprint returns the SHA-256 of the certificate, as hex.
func (r *Root) Fingerprint() string { return fmt.Sprintf("%x", sha256.Sum256(r.cert.Raw)) }

// Name returns the certificate's subject.
func (r *Root) Name() string { return r.cert.Subject.String() }

func (r *Root) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(r.cert)
	return pool
}
