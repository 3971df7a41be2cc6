package spki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"gitlauncher/internal/regularfile"
	"gitlauncher/measure"
)

// MaxSize bounds a file, in bytes: a chain of certificates.
const MaxSize = 64 << 10

// ErrPrivate says that a file holds a private key.
var ErrPrivate = errors.New("holds a private key; leave only the certificate or the public key in it")

// Read returns the hash of the key in a file, by its name.
func Read(name string) (measure.KeyHash, error) {
	data, err := regularfile.Read(name, MaxSize)
	if err != nil {
		return measure.KeyHash{}, fmt.Errorf("%s: %w", name, err)
	}
	k, err := Parse(data)
	if err != nil {
		return k, fmt.Errorf("%s %w", name, err)
	}
	return k, nil
}

// Parse returns the hash of the key in a file. In a chain that is the key of the first
// certificate, as TLS servers send it.
func Parse(data []byte) (measure.KeyHash, error) {
	if bytes.Contains(data, []byte("PRIVATE KEY-----")) {
		return measure.KeyHash{}, ErrPrivate
	}
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return fromPEM(data)
	}
	if k, err := measure.ParseKeyHash(strings.TrimSpace(string(data))); err == nil {
		return k, nil
	}
	if cert, err := x509.ParseCertificate(data); err == nil {
		return measure.KeyHashOf(cert.RawSubjectPublicKeyInfo), nil
	}
	if _, err := x509.ParsePKIXPublicKey(data); err == nil {
		return measure.KeyHashOf(data), nil
	}
	return measure.KeyHash{}, errors.New("is neither a certificate nor a public key, in PEM or DER, nor the 64 lowercase hexadecimal digits of a key's SHA-256")
}

// fromPEM reads one public key, or certificates of which the first counts.
func fromPEM(data []byte) (k measure.KeyHash, err error) {
	for n := 0; ; n++ {
		block, rest := pem.Decode(data)
		switch {
		case block == nil && n > 0 && len(bytes.TrimSpace(data)) == 0:
			return k, nil
		case block == nil:
			return measure.KeyHash{}, errors.New("has something in it that is no PEM")
		case block.Type == "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return measure.KeyHash{}, fmt.Errorf("has a certificate that can't be read: %w", err)
			}
			if n == 0 {
				k = measure.KeyHashOf(cert.RawSubjectPublicKeyInfo)
			}
		case block.Type == "PUBLIC KEY" && n == 0 && len(bytes.TrimSpace(rest)) == 0:
			if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
				return measure.KeyHash{}, fmt.Errorf("has a public key that can't be read: %w", err)
			}
			k = measure.KeyHashOf(block.Bytes)
		default:
			return measure.KeyHash{}, fmt.Errorf("has a %.40q where one public key, or certificates alone, are known", block.Type)
		}
		data = rest
	}
}
