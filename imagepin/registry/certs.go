package registry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"gitlauncher/internal/regularfile"
)

// trusting returns the transport for a registry. It trusts the system's authorities and
// uses what certs.d has for the first of the hosts that is there, as dockerd does: *.crt
// are authorities, and *.cert with *.key of the same name are client certificates. The
// error is a *[CertificateError].
func trusting(certsDir string, hosts ...string) (http.RoundTripper, error) {
	for _, host := range hosts {
		dir := filepath.Join(certsDir, filepath.Base(host)) // a host has no slash
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, &CertificateError{dir, cause(err)}
		}
		config := &tls.Config{MinVersion: tls.VersionTLS12}
		for _, entry := range entries {
			if err := add(config, filepath.Join(dir, entry.Name())); err != nil {
				return nil, err
			}
		}
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.TLSClientConfig = config
		return t, nil
	}
	return http.DefaultTransport, nil
}

// maxCertificates is how many bytes a file of certs.d may have: 4 MiB. All authorities of a
// system take a quarter of one.
const maxCertificates = 4 << 20

// add adds one file of certs.d to a configuration.
func add(config *tls.Config, file string) error {
	switch base, extension := strings.TrimSuffix(file, filepath.Ext(file)), filepath.Ext(file); extension {
	case ".crt":
		pem, err := regularfile.Read(file, maxCertificates)
		if err != nil {
			return &CertificateError{file, cause(err)}
		}
		if config.RootCAs == nil {
			if config.RootCAs, err = x509.SystemCertPool(); err != nil {
				return &CertificateError{file, "the system's authorities can't be read: " + err.Error()}
			}
		}
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return &CertificateError{file, "it has no certificate in PEM"}
		}
	case ".cert":
		cert, err := regularfile.Read(file, maxCertificates)
		key, keyErr := regularfile.Read(base+".key", maxCertificates)
		var pair tls.Certificate
		if err = errors.Join(err, keyErr); err == nil {
			pair, err = tls.X509KeyPair(cert, key)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return &CertificateError{file, "there is no key beside it, " + base + ".key"}
		}
		if err != nil {
			return &CertificateError{file, "it and its key are not a pair in PEM"} // err may quote the file
		}
		config.Certificates = append(config.Certificates, pair)
	case ".key":
		if _, err := os.Stat(base + ".cert"); err != nil {
			return &CertificateError{file, "there is no certificate beside it, " + base + ".cert"}
		}
	}
	return nil
}

// cause returns the text of an error of package os without the path, which the text around
// it has.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
