package quote

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlauncher/internal/strictjson"
)

// Status is a TCB status as Intel names it.
type Status string

// The statuses of TCB info version 3, from best to worst. An unknown status counts as
// worse than all of them.
const (
	UpToDate                          Status = "UpToDate"
	SWHardeningNeeded                 Status = "SWHardeningNeeded"
	ConfigurationNeeded               Status = "ConfigurationNeeded"
	ConfigurationAndSWHardeningNeeded Status = "ConfigurationAndSWHardeningNeeded"
	OutOfDate                         Status = "OutOfDate"
	OutOfDateConfigurationNeeded      Status = "OutOfDateConfigurationNeeded"
	Revoked                           Status = "Revoked"
)

// Statuses returns all of them, from best to worst.
func Statuses() []Status {
	return []Status{UpToDate, SWHardeningNeeded, ConfigurationNeeded, ConfigurationAndSWHardeningNeeded, OutOfDate, OutOfDateConfigurationNeeded, Revoked}
}

func (s Status) rank() int {
	if i := slices.Index(Statuses(), s); i >= 0 {
		return i
	}
	return len(Statuses())
}

// TCB says how up to date a platform is.
type TCB struct {
	Platform, Module, QE Status
	Advisories           []string // of all three, sorted
}

// Worst returns the worst of the three statuses.
func (t TCB) Worst() Status {
	return slices.MaxFunc([]Status{t.Platform, t.Module, t.QE}, func(a, b Status) int { return a.rank() - b.rank() })
}

type component struct {
	SVN uint8 `json:"svn"`
}

type tcbLevel struct {
	TCB struct {
		SGX    []component `json:"sgxtcbcomponents"`
		TDX    []component `json:"tdxtcbcomponents"`
		PCESVN uint16      `json:"pcesvn"`
		ISVSVN uint16      `json:"isvsvn"`
	} `json:"tcb"`
	Status     Status   `json:"tcbStatus"`
	Advisories []string `json:"advisoryIDs"`
}

type module struct {
	ID             string           `json:"id"`
	MRSigner       strictjson.Bytes `json:"mrsigner"`
	Attributes     strictjson.Bytes `json:"attributes"`
	AttributesMask strictjson.Bytes `json:"attributesMask"`
	Levels         []tcbLevel       `json:"tcbLevels"`
}

type tcbInfo struct {
	ID         string     `json:"id"`
	Version    int        `json:"version"`
	IssueDate  time.Time  `json:"issueDate"`
	NextUpdate time.Time  `json:"nextUpdate"`
	FMSPC      string     `json:"fmspc"`
	PCEID      string     `json:"pceId"`
	TCBType    int        `json:"tcbType"`
	Evaluation int        `json:"tcbEvaluationDataNumber"`
	Module     module     `json:"tdxModule"`
	Modules    []module   `json:"tdxModuleIdentities"`
	Levels     []tcbLevel `json:"tcbLevels"`
}

func (t *tcbInfo) check(at time.Time) error {
	if t.ID != "TDX" || t.Version != 3 || t.TCBType != 0 {
		return errors.New("is not TDX TCB info of version 3 and type 0")
	}
	return within(at, t.IssueDate, t.NextUpdate)
}

type qeIdentity struct {
	ID             string           `json:"id"`
	Version        int              `json:"version"`
	IssueDate      time.Time        `json:"issueDate"`
	NextUpdate     time.Time        `json:"nextUpdate"`
	MiscSelect     strictjson.Bytes `json:"miscselect"`
	MiscSelectMask strictjson.Bytes `json:"miscselectMask"`
	Attributes     strictjson.Bytes `json:"attributes"`
	AttributesMask strictjson.Bytes `json:"attributesMask"`
	MRSigner       strictjson.Bytes `json:"mrsigner"`
	ProdID         uint16           `json:"isvprodid"`
	Levels         []tcbLevel       `json:"tcbLevels"`
}

func (q *qeIdentity) check(at time.Time) error {
	if q.ID != "TD_QE" || q.Version != 2 {
		return errors.New("is not a TD_QE identity of version 2")
	}
	return within(at, q.IssueDate, q.NextUpdate)
}

// Judge returns the TCB of a quote's platform by checked collateral. It fails if a
// certificate is revoked or the collateral is for another platform. The quote's
// signatures must have been checked before.
func (c *Checked) Judge(q *Quote) (TCB, error) {
	if !c.Good() {
		return TCB{}, errors.New("the collateral is not good")
	}
	if err := c.revocation(q.chain.PCKCertificate, q.chain.IntermediateCertificate); err != nil {
		return TCB{}, err
	}
	platform, err := c.tcb.platform(q)
	if err != nil {
		return TCB{}, err
	}
	module, err := c.tcb.module(q)
	if err != nil {
		return TCB{}, err
	}
	qe, err := c.qe.level(q.qe)
	if err != nil {
		return TCB{}, err
	}
	t := TCB{Platform: platform.Status, Module: module.Status, QE: qe.Status}
	t.Advisories = slices.Concat(platform.Advisories, module.Advisories, qe.Advisories)
	slices.Sort(t.Advisories)
	t.Advisories = slices.Compact(t.Advisories)
	return t, nil
}

func (c *Checked) revocation(pck, intermediate *x509.Certificate) error {
	if revoked(c.rootCRL, intermediate) {
		return fmt.Errorf("certificate %s is revoked", intermediate.Subject.CommonName)
	}
	if !intermediate.Equal(c.pckCA) {
		// Another certificate of the same CA may have signed the PCK.
		if err := c.pckCRL.CheckSignatureFrom(intermediate); err != nil {
			return fmt.Errorf("PCK CRL is not of the PCK certificate's issuer: %w", err)
		}
	}
	if revoked(c.pckCRL, pck) {
		return fmt.Errorf("certificate %s is revoked", pck.Subject.CommonName)
	}
	return nil
}

// platform finds the first level that the platform reaches in every component. If
// TEE_TCB_SVN[1] is above zero, the module has its own identity, and module judges its
// two components by that.
func (t *tcbInfo) platform(q *Quote) (tcbLevel, error) {
	if !strings.EqualFold(t.FMSPC, q.pck.FMSPC) || !strings.EqualFold(t.PCEID, q.pck.PCEID) {
		return tcbLevel{}, fmt.Errorf("TCB info is for processor family %.20q, the quote's is %s", t.FMSPC, q.pck.FMSPC)
	}
	from := 0
	if q.TEETCBSVN[1] > 0 {
		from = 2
	}
	for _, l := range t.Levels {
		if reaches(q.pck.TCB.CPUSvnComponents, l.TCB.SGX, 0) && q.pck.TCB.PCESvn >= l.TCB.PCESVN && reaches(q.TEETCBSVN[:], l.TCB.TDX, from) {
			return l, nil
		}
	}
	return tcbLevel{}, errors.New("the platform is below every TCB level that Intel lists")
}

func reaches(have []byte, want []component, from int) bool {
	if len(have) != len(want) || len(want) != 16 {
		return false
	}
	for i := from; i < len(want); i++ {
		if have[i] < want[i].SVN {
			return false
		}
	}
	return true
}

// module finds the level of the TDX module and proves that it is Intel's.
func (t *tcbInfo) module(q *Quote) (tcbLevel, error) {
	m, versioned := t.Module, q.TEETCBSVN[1] > 0
	if versioned {
		id := fmt.Sprintf("TDX_%02x", q.TEETCBSVN[1])
		i := slices.IndexFunc(t.Modules, func(m module) bool { return strings.EqualFold(m.ID, id) })
		if i < 0 {
			return tcbLevel{}, fmt.Errorf("TCB info knows no module %s", id)
		}
		m = t.Modules[i]
	}
	if !bytes.Equal(m.MRSigner, q.MRSignerSeam[:]) {
		return tcbLevel{}, errors.New("MRSIGNERSEAM is not that of Intel's TDX module")
	}
	if !masked(q.SeamAttrs[:], m.AttributesMask, m.Attributes) {
		return tcbLevel{}, errors.New("SEAMATTRIBUTES are not those of Intel's TDX module")
	}
	if !versioned { // judged with the platform's components
		return tcbLevel{Status: UpToDate}, nil
	}
	for _, l := range m.Levels {
		if uint16(q.TEETCBSVN[0]) >= l.TCB.ISVSVN {
			return l, nil
		}
	}
	return tcbLevel{}, errors.New("the TDX module is below every TCB level that Intel lists")
}

// level proves that an enclave is Intel's quoting enclave and finds its level.
func (q *qeIdentity) level(e Enclave) (tcbLevel, error) {
	misc := binary.LittleEndian.AppendUint32(nil, e.MiscSelect)
	switch {
	case !bytes.Equal(q.MRSigner, e.MRSigner[:]) || q.ProdID != e.ProdID:
		return tcbLevel{}, errors.New("the quoting enclave is not Intel's: another signer or product")
	case !masked(misc, q.MiscSelectMask, q.MiscSelect), !masked(e.Attributes[:], q.AttributesMask, q.Attributes):
		return tcbLevel{}, errors.New("the quoting enclave has other attributes than Intel's identity says")
	}
	for _, l := range q.Levels {
		if e.SVN >= l.TCB.ISVSVN {
			return l, nil
		}
	}
	return tcbLevel{}, errors.New("the quoting enclave is below every TCB level that Intel lists")
}

// masked reports whether value, under mask, is want. Values of different lengths never
// match.
func masked(value, mask, want []byte) bool {
	if len(value) != len(mask) || len(mask) != len(want) {
		return false
	}
	for i := range value {
		if value[i]&mask[i] != want[i] {
			return false
		}
	}
	return true
}
