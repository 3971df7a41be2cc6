package credential

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync/atomic"
)

// TLS is what the files of a config say of TLS.
type TLS struct {
	roots *x509.CertPool   // nil for the system's
	cert  *tls.Certificate // nil for none
}

// TLS reads the files. Errors are *Error.
func (c Credentials) TLS() (t TLS, err error) {
	if c.TLSCAFile != "" {
		if t.roots, err = authorities(c.TLSCAFile); err != nil {
			return t, err
		}
	}
	if c.TLSCertFile != "" {
		if t.cert, err = certificate(c.TLSCertFile, c.TLSKeyFile); err != nil {
			return t, err
		}
	}
	return t, nil
}

// authorities returns the system's and those of a file.
func authorities(file string) (*x509.CertPool, error) {
	content, err := readCredential(file)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil { // none is installed, which is what a private authority may be for
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(content) {
		return nil, &Error{"file " + file, "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"}
	}
	return roots, nil
}

// certificate reads the client's certificate and key, which may stand in one file.
func certificate(certFile, keyFile string) (*tls.Certificate, error) {
	if keyFile == "" {
		keyFile = certFile
	}
	certPEM, err := readCredential(certFile)
	if err != nil {
		return nil, err
	}
	keyPEM, err := readCredential(keyFile)
	if err != nil {
		return nil, err
	}
	if !holds(certPEM, "CERTIFICATE") {
		return nil, &Error{"file " + certFile, "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"}
	}
	if holds(keyPEM, "ENCRYPTED PRIVATE KEY") || strings.Contains(string(keyPEM), "Proc-Type: 4,ENCRYPTED") {
		return nil, &Error{"file " + keyFile, "holds a private key with a passphrase, which nobody could type in here"}
	}
	if !holds(keyPEM, "PRIVATE KEY") {
		return nil, &Error{"file " + keyFile, "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)"}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil { // its text speaks of the key's form only, but need not for ever
		return nil, &Error{"file " + keyFile, "holds a private key that can't be read, or is not the one of the certificate in " + certFile}
	}
	return &pair, nil
}

// holds reports whether there is a PEM block of a type, or of one that ends so.
func holds(text []byte, kind string) bool {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return false
		}
		if strings.HasSuffix(block.Type, kind) {
			return true
		}
		text = rest
	}
}

// HasCertificate reports whether there is a client certificate.
func (t TLS) HasCertificate() bool { return t.cert != nil }

// Config is the configuration for connections: with the client's certificate for the
// repository's own origin, and without for where a redirect leads. asked becomes true
// when a server asks for a certificate.
func (t TLS) Config(own bool, asked *atomic.Bool) *tls.Config {
	return &tls.Config{
		RootCAs: t.roots,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked.Store(true)
			if own && t.cert != nil {
				return t.cert, nil
			}
			return new(tls.Certificate), nil
		},
	}
}
