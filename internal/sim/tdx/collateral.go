package tdx

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Statuses are the TCB statuses that the collateral has for the platform, the TDX module
// and the quoting enclave of a quote.
type Statuses struct{ Platform, Module, QE string }

// StatusNames returns Intel's statuses, from best to worst.
func StatusNames() []string {
	return []string{"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded", "Revoked"}
}

// Collateral is the JSON of the DCAP libraries' QuoteCollateralV3: PEM strings,
// signed JSON as strings of its exact bytes, and byte fields as hex.
type Collateral struct {
	PCKCRLIssuerChain     string `json:"pck_crl_issuer_chain"`
	RootCACRL             string `json:"root_ca_crl"`
	PCKCRL                string `json:"pck_crl"`
	TCBInfoIssuerChain    string `json:"tcb_info_issuer_chain"`
	TCBInfo               string `json:"tcb_info"`
	TCBInfoSignature      string `json:"tcb_info_signature"`
	QEIdentityIssuerChain string `json:"qe_identity_issuer_chain"`
	QEIdentity            string `json:"qe_identity"`
	QEIdentitySignature   string `json:"qe_identity_signature"`
}

type component struct {
	SVN int `json:"svn"`
}

type tcbLevel struct {
	TCB        map[string]any `json:"tcb"`
	TCBDate    string         `json:"tcbDate"`
	TCBStatus  string         `json:"tcbStatus"`
	Advisories []string       `json:"advisoryIDs,omitempty"`
}

// level returns a TCB level. One that is not up to date names an advisory.
func level(tcb map[string]any, status string) tcbLevel {
	l := tcbLevel{TCB: tcb, TCBDate: "2024-01-01T00:00:00Z", TCBStatus: status}
	if status != "UpToDate" {
		l.Advisories = []string{"INTEL-SA-00000"}
	}
	return l
}

// Collateral makes and signs the collateral for a machine of this PKI whose
// quotes carry the given TEE_TCB_SVN and enclave.
func (p *PKI) Collateral(svn [16]byte, qe Enclave, st Statuses) (*Collateral, error) {
	var c Collateral
	var err error
	if c.TCBInfo, c.TCBInfoSignature, err = p.signed(p.tcbInfo(svn, st)); err != nil {
		return nil, err
	}
	if c.QEIdentity, c.QEIdentitySignature, err = p.signed(p.qeIdentity(qe, st)); err != nil {
		return nil, err
	}
	rootCRL, err := p.crl(p.root, DatedRootCRL)
	if err != nil {
		return nil, err
	}
	pckCRL, err := p.crl(p.intermediate, DatedPCKCRL)
	if err != nil {
		return nil, err
	}
	c.RootCACRL, c.PCKCRL = hex.EncodeToString(rootCRL), hex.EncodeToString(pckCRL)
	c.PCKCRLIssuerChain = string(pemOf(p.intermediate, p.root))
	c.TCBInfoIssuerChain = string(pemOf(p.signing, p.root))
	c.QEIdentityIssuerChain = c.TCBInfoIssuerChain
	return &c, nil
}

func (p *PKI) signed(v any) (body, signature string, err error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", "", err
	}
	sig, err := sign(p.signing.key, data)
	return string(data), hex.EncodeToString(sig), err
}

func (p *PKI) dates(of string, m map[string]any) map[string]any {
	v := p.platform.dates(of)
	m["issueDate"] = v.From.UTC().Format(time.RFC3339)
	m["nextUpdate"] = v.Until.UTC().Format(time.RFC3339)
	m["tcbEvaluationDataNumber"] = 17
	return m
}

func (p *PKI) tcbInfo(svn [16]byte, st Statuses) map[string]any {
	sgx, tdx := make([]component, 16), make([]component, 16)
	for i := range 16 {
		sgx[i].SVN = int(p.platform.CPUSVN[i])
		tdx[i].SVN = int(svn[i])
	}
	tcb := map[string]any{"sgxtcbcomponents": sgx, "pcesvn": p.platform.PCESVN, "tdxtcbcomponents": tdx}
	module := map[string]any{"mrsigner": zeros(48), "attributes": zeros(8), "attributesMask": "ffffffffffffffff"}
	identity := map[string]any{
		"id": fmt.Sprintf("TDX_%02x", svn[1]), "mrsigner": zeros(48), "attributes": zeros(8), "attributesMask": "ffffffffffffffff",
		"tcbLevels": []tcbLevel{level(map[string]any{"isvsvn": int(svn[0])}, st.Module)},
	}
	return p.dates(DatedTCBInfo, map[string]any{
		"id": "TDX", "version": 3, "tcbType": 0,
		"fmspc": hex.EncodeToString(p.platform.FMSPC[:]), "pceId": hex.EncodeToString(p.platform.PCEID[:]),
		"tdxModule": module, "tdxModuleIdentities": []any{identity},
		"tcbLevels": []tcbLevel{level(tcb, st.Platform)},
	})
}

func (p *PKI) qeIdentity(qe Enclave, st Statuses) map[string]any {
	return p.dates(DatedQEIdentity, map[string]any{
		"id": "TD_QE", "version": 2,
		"miscselect": zeros(4), "miscselectMask": "ffffffff",
		"attributes": hex.EncodeToString(qe.Attributes[:]), "attributesMask": "ffffffffffffffffffffffffffffffff",
		"mrsigner": hex.EncodeToString(qe.MRSigner[:]), "isvprodid": qe.ProdID,
		"tcbLevels": []tcbLevel{level(map[string]any{"isvsvn": qe.SVN}, st.QE)},
	})
}

func zeros(n int) string { return hex.EncodeToString(make([]byte, n)) }
