package quote

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"gitlauncher/internal/strictjson"
)

// MaxCollateral is the largest collateral that is read, in bytes: 1 MiB. Intel's has
// some twenty KiB.
const MaxCollateral = 1 << 20

// Collateral is what Intel says about platforms and enclaves, in the form of the DCAP
// libraries' QuoteCollateralV3: chains as PEM, lists as DER, and each signed JSON
// document as a string of its exact bytes.
type Collateral struct {
	PCKCRLIssuerChain     string           `json:"pck_crl_issuer_chain"`
	RootCACRL             strictjson.Bytes `json:"root_ca_crl"`
	PCKCRL                strictjson.Bytes `json:"pck_crl"`
	TCBInfoIssuerChain    string           `json:"tcb_info_issuer_chain"`
	TCBInfo               string           `json:"tcb_info"`
	TCBInfoSignature      strictjson.Bytes `json:"tcb_info_signature"` // r || s, 64 bytes
	QEIdentityIssuerChain string           `json:"qe_identity_issuer_chain"`
	QEIdentity            string           `json:"qe_identity"`
	QEIdentitySignature   strictjson.Bytes `json:"qe_identity_signature"`
}

// ParseCollateral reads collateral as JSON; byte fields are hex or arrays of numbers.
// It checks only the form.
func ParseCollateral(data []byte) (*Collateral, error) {
	if len(data) > MaxCollateral {
		return nil, fmt.Errorf("collateral: is larger than %d MiB", MaxCollateral>>20)
	}
	var c Collateral
	if err := strictjson.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("collateral: %w", err)
	}
	for _, part := range []struct {
		name string
		size int
	}{
		{"root_ca_crl", len(c.RootCACRL)}, {"pck_crl", len(c.PCKCRL)}, {"tcb_info", len(c.TCBInfo)}, {"tcb_info_signature", len(c.TCBInfoSignature)},
		{"qe_identity", len(c.QEIdentity)}, {"qe_identity_signature", len(c.QEIdentitySignature)},
	} {
		if part.size == 0 {
			return nil, fmt.Errorf("collateral: lacks %s", part.name)
		}
	}
	return &c, nil
}

// Part is one piece of the collateral and what is wrong with it.
type Part struct {
	Name string // "root CA CRL", "PCK CRL", "TCB info", "QE identity"
	Err  error  // nil if its signature chains to the root and its dates hold
}

// Checked is collateral whose signatures and dates were checked, for any number of
// quotes. [Checked.Judge] fails unless every part is [Checked.Good].
type Checked struct {
	Parts   []Part
	tcb     tcbInfo
	qe      qeIdentity
	rootCRL *x509.RevocationList
	pckCRL  *x509.RevocationList
	pckCA   *x509.Certificate // whose signature on pckCRL was checked
}

// Good reports whether every part is valid.
func (c *Checked) Good() bool {
	for _, p := range c.Parts {
		if p.Err != nil {
			return false
		}
	}
	return true
}

// Issued returns the day of the TCB info and the number of Intel's evaluation.
// Collateral with a higher number knows of later flaws.
func (c *Checked) Issued() (day time.Time, evaluation int) {
	return c.tcb.IssueDate, c.tcb.Evaluation
}

// Check verifies the signatures and dates of the collateral under a root, as of a
// moment. A part that fails is in the result, with its error.
func (c *Collateral) Check(root *Root, at time.Time) *Checked {
	out := new(Checked)
	part := func(name string, err error) { out.Parts = append(out.Parts, Part{name, err}) }
	var err error
	out.rootCRL, err = checkCRL(c.RootCACRL, root.cert, at)
	part("root CA CRL", err)
	if err != nil {
		out.rootCRL = &x509.RevocationList{} // the parts below then say what they can
	}
	issuer := func(chain, name string) (*x509.Certificate, error) {
		return checkIssuer(chain, name, root, out.rootCRL, at)
	}
	if out.pckCA, err = issuer(c.PCKCRLIssuerChain, "Intel SGX PCK Platform CA"); err == nil {
		out.pckCRL, err = checkCRL(c.PCKCRL, out.pckCA, at)
	}
	part("PCK CRL", err)

	signer, err := issuer(c.TCBInfoIssuerChain, "Intel SGX TCB Signing")
	if err == nil {
		err = checkSigned([]byte(c.TCBInfo), c.TCBInfoSignature, signer, &out.tcb)
	}
	if err == nil {
		err = out.tcb.check(at)
	}
	part("TCB info", err)

	signer, err = issuer(c.QEIdentityIssuerChain, "Intel SGX TCB Signing")
	if err == nil {
		err = checkSigned([]byte(c.QEIdentity), c.QEIdentitySignature, signer, &out.qe)
	}
	if err == nil {
		err = out.qe.check(at)
	}
	part("QE identity", err)
	return out
}

// checkIssuer proves the first certificate of a chain: its name, its signature
// by the root, its dates, and that the root's list does not hold it.
func checkIssuer(chain, name string, root *Root, crl *x509.RevocationList, at time.Time) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(chain))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("issuer chain: is not PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("issuer chain: %w", err)
	}
	if cert.Subject.CommonName != name {
		return nil, fmt.Errorf("issuer is %.80q, not %q", cert.Subject.CommonName, name)
	}
	if err := within(at, cert.NotBefore, cert.NotAfter); err != nil {
		return nil, fmt.Errorf("issuer %s %w", name, err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: root.pool(), CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return nil, fmt.Errorf("issuer %s: %w", name, err)
	}
	if revoked(crl, cert) {
		return nil, fmt.Errorf("issuer %s is revoked", name)
	}
	return cert, nil
}

func checkCRL(der []byte, issuer *x509.Certificate, at time.Time) (*x509.RevocationList, error) {
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(crl.RawIssuer, issuer.RawSubject) {
		return nil, fmt.Errorf("is of another issuer than %s", issuer.Subject.CommonName)
	}
	if err := crl.CheckSignatureFrom(issuer); err != nil {
		return nil, err
	}
	return crl, within(at, crl.ThisUpdate, crl.NextUpdate)
}

func revoked(crl *x509.RevocationList, cert *x509.Certificate) bool {
	for _, entry := range crl.RevokedCertificateEntries {
		if entry.SerialNumber.Cmp(cert.SerialNumber) == 0 {
			return true
		}
	}
	return false
}

// checkSigned proves that signer signed exactly these bytes, and parses them.
func checkSigned(body, signature []byte, signer *x509.Certificate, into any) error {
	key, ok := signer.PublicKey.(*ecdsa.PublicKey)
	if !ok || len(signature) != 64 {
		return errors.New("signature is not ECDSA's r || s of 64 bytes")
	}
	sum := sha256.Sum256(body)
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(key, sum[:], r, s) {
		return errors.New("signature is not over these bytes")
	}
	return strictjson.Unmarshal(body, into)
}
