package credential

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync/atomic"
)

// TLS holds what a config's files say about TLS.
type TLS struct {
	roots *x509.CertPool   // nil for the system's
	cert  *tls.Certificate // nil for none
}

// TLS reads the files. Errors are [*Error].
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

// authorities returns the system's authorities and those of a file.
func authorities(file string) (*x509.CertPool, error) {
	content, err := readCredential(file)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil { // the system has none; a private authority may be all that is needed
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(content) {
		return nil, &Error{"file " + file, "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"}
	}
	return roots, nil
}

// certificate reads the client's certificate and key, which may be in one file.
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
		return nil, &Error{"file " + keyFile, "holds a private key with a passphrase, which nobody can type in here"}
	}
	if !holds(keyPEM, "PRIVATE KEY") {
		return nil, &Error{"file " + keyFile, "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)"}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil { // its text does not quote the key today, but a later version's may
		return nil, &Error{"file " + keyFile, "holds a private key that can't be read, or does not belong to the certificate in " + certFile}
	}
	return &pair, nil
}

// holds reports whether a text has a PEM block whose type ends with suffix.
func holds(text []byte, suffix string) bool {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return false
		}
		if strings.HasSuffix(block.Type, suffix) {
			return true
		}
		text = rest
	}
}

// HasCertificate reports whether there is a client certificate.
func (t TLS) HasCertificate() bool { return t.cert != nil }

// Config returns the configuration for a connection. It has the client's certificate only if
// own is true: if the connection goes to the repository's own origin. asked becomes true
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
