package tdx

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Report is what can be chosen about a TD report. All registers have 48 bytes.
type Report struct {
	Version                int // of the quote: 5 for one with a TDX 1.5 body, anything else for 4
	TEETCBSVN              [16]byte
	MRSignerSeam           [48]byte // zero for Intel's module
	TDAttributes           [8]byte  // bit 0 is a debug TD, bit 28 turns #VE off for pages that the host takes away
	XFAM                   [8]byte  // zero: what dstack's VMs have
	MRTD                   [48]byte
	MRConfigID             [48]byte
	MROwner, MROwnerConfig [48]byte
	RTMR                   [4][48]byte
	ReportData             [64]byte
	MRServiceTD            [48]byte // only in version 5
}

// Enclave is what can be chosen about the quoting enclave's report.
type Enclave struct {
	Attributes [16]byte // bit 1 of the first byte is a debug enclave
	MRSigner   [32]byte
	ProdID     uint16
	SVN        uint16
}

// Sizes of version 4 quotes, in bytes.
const (
	headerSize = 48
	reportSize = 584
	qeSize     = 384
)

// intelVendor is the QE vendor id of Intel's quoting enclave.
var intelVendor = [16]byte{0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07}

// Quote makes a quote: header, TD report, signature by a fresh
// attestation key that the quoting enclave vouches for.
func (p *PKI) Quote(r Report, qe Enclave) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	signed := r.bytes()
	sig, err := sign(key, signed)
	if err != nil {
		return nil, err
	}
	pub, err := key.PublicKey.Bytes() // 4 || X || Y
	if err != nil {
		return nil, err
	}
	authData := make([]byte, 32)
	report := qe.bytes(sha256.Sum256(append(append([]byte{}, pub[1:]...), authData...)))
	reportSig, err := sign(p.pck.key, report)
	if err != nil {
		return nil, err
	}
	chain := pemOf(p.pck, p.intermediate, p.root)

	le := binary.LittleEndian
	inner := append(report, reportSig...)
	inner = append(le.AppendUint16(inner, uint16(len(authData))), authData...)
	inner = le.AppendUint32(le.AppendUint16(inner, 5), uint32(len(chain))) // type 5: PEM chain
	inner = append(inner, chain...)

	data := append(sig, pub[1:]...)
	data = le.AppendUint32(le.AppendUint16(data, 6), uint32(len(inner))) // type 6: QE report
	data = append(data, inner...)
	return append(le.AppendUint32(signed, uint32(len(data))), data...), nil
}

func quoteHeader(version uint16) []byte {
	h := make([]byte, headerSize)
	binary.LittleEndian.PutUint16(h[0:], version)
	binary.LittleEndian.PutUint16(h[2:], 2)    // attestation key: ECDSA on P-256
	binary.LittleEndian.PutUint32(h[4:], 0x81) // TEE: TDX
	copy(h[12:], intelVendor[:])
	return h
}

// bytes returns the header and the TD report, which are signed.
func (r Report) bytes() []byte {
	if r.Version != 5 {
		return r.body(quoteHeader(4))
	}
	b := quoteHeader(5)
	b = binary.LittleEndian.AppendUint16(b, 3) // a TDX 1.5 body
	b = binary.LittleEndian.AppendUint32(b, reportSize+16+48)
	b = r.body(b)
	b = append(b, r.TEETCBSVN[:]...) // TEE_TCB_SVN_2
	return append(b, r.MRServiceTD[:]...)
}

func (r Report) body(b []byte) []byte {
	b = append(b, r.TEETCBSVN[:]...)
	b = append(b, make([]byte, 48)...) // MRSEAM
	b = append(b, r.MRSignerSeam[:]...)
	b = append(b, make([]byte, 8)...) // SEAM attributes
	b = append(b, r.TDAttributes[:]...)
	xfam := r.XFAM
	if xfam == ([8]byte{}) {
		xfam = [8]byte{0xe7, 2, 6}
	}
	b = append(b, xfam[:]...)
	b = append(b, r.MRTD[:]...)
	b = append(b, r.MRConfigID[:]...)
	b = append(b, r.MROwner[:]...)
	b = append(b, r.MROwnerConfig[:]...)
	for _, reg := range r.RTMR {
		b = append(b, reg[:]...)
	}
	return append(b, r.ReportData[:]...)
}

func (e Enclave) bytes(reportData [32]byte) []byte {
	b := make([]byte, qeSize)
	copy(b[48:], e.Attributes[:])
	copy(b[128:], e.MRSigner[:])
	binary.LittleEndian.PutUint16(b[256:], e.ProdID)
	binary.LittleEndian.PutUint16(b[258:], e.SVN)
	copy(b[320:], reportData[:])
	return b
}

// sign returns the 64 bytes r || s over SHA-256 of data.
func sign(key *ecdsa.PrivateKey, data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out, nil
}
