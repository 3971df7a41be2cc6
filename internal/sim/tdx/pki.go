// Package tdx makes TDX quotes, their certificate chain and the collateral to judge
// them by, all under its own root: the same structures, names and extensions as
// Intel's, signed by keys that exist only here.
//
// It is for the simulator and for tests. It says nothing about real hardware, and only
// a verifier that was told to trust this root accepts it.
//
// Formats: Intel TDX DCAP quote generation library, quotes of version 4 and 5; Intel SGX
// PCK certificate and CRL profile; PCS API version 4 (TCB info 3, identity 2).
package tdx

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// The serial numbers of the certificates, for revocation in tests.
const (
	SerialRoot = iota + 1
	SerialPlatform
	SerialPCK
	SerialSigning
)

// Validity says when a certificate or a list is valid.
type Validity struct{ From, Until time.Time }

// Platform is the machine that a PCK certificate speaks of.
type Platform struct {
	FMSPC   [6]byte
	PCEID   [2]byte
	PPID    [16]byte
	CPUSVN  [16]byte // also its sixteen components
	PCESVN  uint16
	Dates   Validity
	Revoked []int64 // serial numbers on the lists

	// Odd has other dates for some of them, by the names of the Dated constants.
	Odd map[string]Validity
}

// What can have other dates than the rest, for tests.
const (
	DatedRoot       = "Intel SGX Root CA"
	DatedPlatform   = "Intel SGX PCK Platform CA"
	DatedPCK        = "Intel SGX PCK Certificate"
	DatedSigning    = "Intel SGX TCB Signing"
	DatedRootCRL    = "root CA CRL"
	DatedPCKCRL     = "PCK CRL"
	DatedTCBInfo    = "TCB info"
	DatedQEIdentity = "QE identity"
)

// dates returns the dates of one of them.
func (p Platform) dates(of string) Validity {
	if odd, ok := p.Odd[of]; ok {
		return odd
	}
	return p.Dates
}

type issued struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// PKI is a chain like Intel's, from the root to one machine's PCK.
type PKI struct {
	platform                    Platform
	root, intermediate, signing issued
	pck                         issued
}

const (
	rootURL = "https://certificates.invalid/simulator/IntelSGXRootCA.der"
	pckURL  = "https://certificates.invalid/simulator/pckcrl?ca=platform"
)

// NewPKI makes fresh keys and certificates.
func NewPKI(p Platform) (*PKI, error) {
	pki := &PKI{platform: p}
	sgx, err := sgxExtension(p)
	if err != nil {
		return nil, err
	}
	steps := []struct {
		to     *issued
		parent *issued
		cn     string
		serial int64
		ca     bool
		url    string
		extra  []pkix.Extension
	}{
		{&pki.root, &pki.root, DatedRoot, SerialRoot, true, rootURL, nil},
		{&pki.intermediate, &pki.root, DatedPlatform, SerialPlatform, true, rootURL, nil},
		{&pki.pck, &pki.intermediate, DatedPCK, SerialPCK, false, pckURL, []pkix.Extension{sgx}},
		{&pki.signing, &pki.root, DatedSigning, SerialSigning, false, rootURL, nil},
	}
	for _, s := range steps {
		if err := issue(s.to, s.parent, s.cn, s.serial, s.ca, s.url, p.dates(s.cn), s.extra); err != nil {
			return nil, fmt.Errorf("issuing %s: %w", s.cn, err)
		}
	}
	return pki, nil
}

func name(cn string) pkix.Name {
	return pkix.Name{CommonName: cn, Organization: []string{"git-launcher simulator"}, Country: []string{"XX"}}
}

func issue(to, parent *issued, cn string, serial int64, ca bool, url string, dates Validity, extra []pkix.Extension) error {
	if to.key == nil {
		var err error
		if to.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return err
		}
	}
	key := to.key
	pub, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	id := sha1.Sum(pub)
	t := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: name(cn),
		NotBefore: dates.From, NotAfter: dates.Until,
		SignatureAlgorithm: x509.ECDSAWithSHA256, SubjectKeyId: id[:],
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, IsCA: ca,
		CRLDistributionPoints: []string{url}, ExtraExtensions: extra,
	}
	if ca {
		t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	}
	signer, above := parent.key, parent.cert
	if to == parent {
		above = t
	}
	der, err := x509.CreateCertificate(rand.Reader, t, above, &key.PublicKey, signer)
	if err != nil {
		return err
	}
	to.cert, err = x509.ParseCertificate(der)
	return err
}

// sgxExtension returns the PCK certificate's own extension, 1.2.840.113741.1.13.1.
func sgxExtension(p Platform) (pkix.Extension, error) {
	oid := func(tail ...int) asn1.ObjectIdentifier {
		return append(asn1.ObjectIdentifier{1, 2, 840, 113741, 1, 13, 1}, tail...)
	}
	type attr struct {
		ID    asn1.ObjectIdentifier
		Value any
	}
	var tcb []attr
	for i, c := range p.CPUSVN {
		tcb = append(tcb, attr{oid(2, i+1), int(c)})
	}
	tcb = append(tcb, attr{oid(2, 17), int(p.PCESVN)}, attr{oid(2, 18), p.CPUSVN[:]})
	type enum struct {
		ID    asn1.ObjectIdentifier
		Value asn1.Enumerated
	}
	parts := []any{
		attr{oid(1), p.PPID[:]}, attr{oid(2), tcb}, attr{oid(3), p.PCEID[:]}, attr{oid(4), p.FMSPC[:]}, enum{oid(5), 1},
	}
	var body []asn1.RawValue
	for _, part := range parts {
		der, err := asn1.Marshal(part)
		if err != nil {
			return pkix.Extension{}, err
		}
		body = append(body, asn1.RawValue{FullBytes: der})
	}
	der, err := asn1.Marshal(body)
	return pkix.Extension{Id: oid(), Value: der}, err
}

// RootPEM returns the certificate that a verifier must be told to trust.
func (p *PKI) RootPEM() []byte { return pemOf(p.root) }

func pemOf(certs ...issued) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.cert.Raw})...)
	}
	return out
}

// crl signs a revocation list, in DER.
func (p *PKI) crl(by issued, name string) ([]byte, error) {
	dates := p.platform.dates(name)
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: dates.From, NextUpdate: dates.Until}
	for _, serial := range p.platform.Revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: p.platform.Dates.From})
	}
	return x509.CreateRevocationList(rand.Reader, list, by.cert, by.key)
}
