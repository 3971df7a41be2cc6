package quote

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-tdx-guest/abi"
	"github.com/google/go-tdx-guest/pcs"
	pb "github.com/google/go-tdx-guest/proto/tdx"
	tdxverify "github.com/google/go-tdx-guest/verify"

	"gitlauncher/measure"
)

// MaxSize is the largest quote that is read, in bytes: 64 KiB. Real ones have some
// 5,000 bytes.
const MaxSize = 64 << 10

// Quote is a TDX quote of version 4 or 5 that was parsed, not verified.
type Quote struct {
	Version       int
	TEETCBSVN     [16]byte
	MRSignerSeam  measure.Register // zero for Intel's module
	SeamAttrs     [8]byte
	TDAttributes  [8]byte // see Debug, Migratable, SEPTVEDisable and Unusual
	XFAM          [8]byte // features of the processor that the TD may use
	MRTD          measure.Register
	MRConfigID    measure.Register
	MROwner       measure.Register
	MROwnerConfig measure.Register
	RTMR          [4]measure.Register
	ReportData    [64]byte
	MRServiceTD   measure.Register // version 5 with a TDX 1.5 body; zero elsewhere

	qe      Enclave
	chain   *tdxverify.PCKCertificateChain
	pck     *pcs.PckExtensions
	message any // go-tdx-guest's form
}

// Enclave is what the quoting enclave's report says about that enclave.
type Enclave struct {
	MiscSelect uint32
	Attributes [16]byte // bit 1 of the first byte: a debug enclave
	MRSigner   [32]byte
	ProdID     uint16
	SVN        uint16
}

// FMSPC returns the processor family that the PCK certificate names, as twelve
// lowercase hexadecimal digits. TCB info is looked up by it.
func (q *Quote) FMSPC() string { return q.pck.FMSPC }

// Parse reads a quote. It ignores bytes after the quote's end: quote providers return
// their whole buffer.
func Parse(raw []byte) (q *Quote, err error) {
	// go-tdx-guest slices by lengths in the input, and panics if they are wrong.
	defer func() {
		if recover() != nil {
			q, err = nil, errors.New("quote: its inner lengths contradict its size")
		}
	}()
	if len(raw) > MaxSize {
		return nil, fmt.Errorf("quote: is larger than %d KiB", MaxSize>>10)
	}
	if len(raw) < 2 {
		return nil, errors.New("quote: is empty")
	}
	message, err := abi.QuoteToProto(raw)
	if err != nil {
		return nil, fmt.Errorf("quote: %w", err)
	}
	q = &Quote{Version: int(binary.LittleEndian.Uint16(raw)), message: message}
	var signed *pb.Ecdsa256BitQuoteV4AuthData
	switch m := message.(type) {
	case *pb.QuoteV4:
		q.fill(m.GetTdQuoteBody())
		signed = m.GetSignedData()
	case *pb.QuoteV5:
		body := m.GetTdQuoteBodyDescriptor().GetTdQuoteBodyV5()
		q.fill(body)
		copy(q.MRServiceTD[:], body.GetMrServiceTd())
		signed = m.GetSignedData()
	default:
		return nil, fmt.Errorf("quote: version %d is not known", q.Version)
	}
	report := signed.GetCertificationData().GetQeReportCertificationData().GetQeReport()
	q.qe = Enclave{MiscSelect: report.GetMiscSelect(), ProdID: uint16(report.GetIsvProdId()), SVN: uint16(report.GetIsvSvn())}
	copy(q.qe.Attributes[:], report.GetAttributes())
	copy(q.qe.MRSigner[:], report.GetMrSigner())
	if q.chain, err = tdxverify.ExtractChainFromQuote(message); err != nil {
		return nil, fmt.Errorf("quote: certificate chain: %w", err)
	}
	if q.pck, err = pcs.PckCertificateExtensions(q.chain.PCKCertificate); err != nil {
		return nil, fmt.Errorf("quote: PCK certificate: %w", err)
	}
	return q, nil
}

// body is what both versions' TD reports share.
type body interface {
	GetTeeTcbSvn() []byte
	GetMrSignerSeam() []byte
	GetSeamAttributes() []byte
	GetTdAttributes() []byte
	GetXfam() []byte
	GetMrTd() []byte
	GetMrConfigId() []byte
	GetMrOwner() []byte
	GetMrOwnerConfig() []byte
	GetRtmrs() [][]byte
	GetReportData() []byte
}

func (q *Quote) fill(b body) {
	for _, field := range []struct{ to, from []byte }{
		{q.TEETCBSVN[:], b.GetTeeTcbSvn()}, {q.MRSignerSeam[:], b.GetMrSignerSeam()}, {q.SeamAttrs[:], b.GetSeamAttributes()},
		{q.TDAttributes[:], b.GetTdAttributes()}, {q.XFAM[:], b.GetXfam()}, {q.MRTD[:], b.GetMrTd()}, {q.MRConfigID[:], b.GetMrConfigId()},
		{q.MROwner[:], b.GetMrOwner()}, {q.MROwnerConfig[:], b.GetMrOwnerConfig()}, {q.ReportData[:], b.GetReportData()},
	} {
		copy(field.to, field.from)
	}
	for i, r := range b.GetRtmrs() {
		copy(q.RTMR[i][:], r)
	}
}

// CheckSignatures proves the chain from the root to the TD report as of a moment: the
// PCK chain and its dates, the QE report under the PCK key, the attestation key in the
// QE report, and the quote under the attestation key. [Checked.Judge] checks
// revocation.
func (q *Quote) CheckSignatures(ctx context.Context, root *Root, at time.Time) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the quote's parts contradict each other")
		}
	}()
	for _, cert := range []*x509.Certificate{q.chain.PCKCertificate, q.chain.IntermediateCertificate, q.chain.RootCertificate} {
		if err := within(at, cert.NotBefore, cert.NotAfter); err != nil {
			return fmt.Errorf("certificate %s: %w", cert.Subject.CommonName, err)
		}
	}
	return tdxverify.TdxQuoteContext(ctx, q.message, &tdxverify.Options{
		TrustedRoots: root.pool(),
		Now:          &tdxverify.TimeSet{PckCertChain: at, TcbInfo: at, QeIdentity: at, PckCrl: at, RootCaCrl: at},
	})
}

// Names reports whether the quote's own chain ends in the root. That proves nothing;
// [Quote.CheckSignatures] does.
func (q *Quote) Names(root *Root) bool { return q.chain.RootCertificate.Equal(root.cert) }

// DateError says that a certificate, list or document is not valid at the moment of
// judgement.
type DateError struct{ At, From, Until time.Time }

func (e *DateError) Error() string {
	if e.At.Before(e.From) {
		return fmt.Sprintf("is not valid before %s (judged as of %s)", e.From.UTC().Format(time.RFC3339), e.At.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("expired on %s (judged as of %s)", e.Until.UTC().Format(time.RFC3339), e.At.UTC().Format(time.RFC3339))
}

func within(at, from, until time.Time) error {
	if at.Before(from) || at.After(until) {
		return &DateError{at, from, until}
	}
	return nil
}
