package evidence

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
	"gitlauncher/verify/evidence/attest"
	"gitlauncher/verify/quote"
)

// MaxSize is the largest evidence that is read, in bytes: 6 MiB. Real evidence has some
// hundred KiB, and it has room for the largest compose that is judged, quoted three
// times. Judging a document takes several times its size, and 64 MiB must be enough for
// any.
const MaxSize = 6 << 20

// Kind is a kind of evidence (VERIFY.md).
type Kind string

// The kinds of evidence.
const (
	KindReceipt Kind = "launch receipt"
	KindQuote   Kind = "GetQuote answer"
	KindAttest  Kind = "Attest answer"
	KindPhala   Kind = "phala attestation"
	KindNEAR    Kind = "MPC node public data"
	KindParts   Kind = "separate files"
)

// Evidence is what somebody says ran, parsed and not believed.
type Evidence struct {
	Kind       Kind
	Quote      []byte
	Log        measure.Log
	AppCompose []byte            // its exact bytes; nil where there is none
	VMConfig   []byte            // dstack's vm_config, the host's word; nil where there is none
	Collateral *quote.Collateral // nil where there is none
	Provenance []byte            // a Sigstore bundle; nil where there is none
	Receipt    *measure.Receipt  // KindReceipt alone, without quote and log
	Claims     Claims
	// Peer is the key of the TLS connection that the evidence came by. The reader of
	// the evidence finds it; no document has it. It is zero if the evidence came
	// otherwise.
	Peer measure.KeyHash
}

// Claims are the guest's or host's own words, shown and compared but never
// trusted. Hex; the empty string where nothing is said.
type Claims struct {
	MRTD, RTMR0, RTMR1, RTMR2 string
	ReportData                string
}

// tcbInfo is dstack's tcb_info.
type tcbInfo struct {
	MRTD       string          `json:"mrtd"`
	RTMR0      string          `json:"rtmr0"`
	RTMR1      string          `json:"rtmr1"`
	RTMR2      string          `json:"rtmr2"`
	AppCompose *string         `json:"app_compose"`
	EventLog   json.RawMessage `json:"event_log"`
}

// Parse recognizes the kind of a document, and reads it.
func Parse(data []byte) (*Evidence, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("evidence is larger than %d MiB", MaxSize>>20)
	}
	if attest.Is(data) {
		e := &Evidence{Kind: KindAttest}
		return e, e.SetAttestation(data)
	}
	has, err := keysOf(data)
	if err != nil {
		if first, second, ok := twoDocuments(data); ok {
			return parseAnswers(first, second)
		}
		return nil, fmt.Errorf("evidence: %w", err)
	}
	switch {
	case has("record", "quote", "event_log"):
		return parseReceipt(data)
	case has("tee_participant_info"):
		return parseNEAR(data)
	case has("app_certificates", "tcb_info"):
		return parsePhala(data)
	case has("quote", "event_log"), has("attestation"):
		return parseAnswer(data, has)
	}
	return nil, errors.New("evidence is neither a launch receipt, nor an answer of GetQuote or Attest, nor “phala cvms attestation --json”, nor an MPC node's /public_data")
}

// keysOf returns a test for an object's keys.
func keysOf(data []byte) (has func(names ...string) bool, err error) {
	var keys map[string]skipped
	if err := strictjson.Unmarshal(data, &keys); err != nil {
		return nil, err
	}
	return func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { _, ok := keys[name]; return !ok })
	}, nil
}

// skipped is a value that is not looked at.
type skipped struct{}

// UnmarshalJSON skips a value.
func (skipped) UnmarshalJSON([]byte) error { return nil }

func parseReceipt(data []byte) (*Evidence, error) {
	r, err := measure.ParseReceipt(data)
	if err != nil {
		return nil, err
	}
	e := &Evidence{Kind: KindReceipt, Receipt: r, Claims: Claims{ReportData: r.ReportData}, VMConfig: vmConfig(r.VMConfig, r.Info.VMConfig)}
	if err := e.SetQuote([]byte(r.Quote)); err != nil {
		return nil, err
	}
	log := []byte(r.EventLog)
	r.EventLog, r.Quote = "", "" // read, and kept no longer: the log may be most of the receipt
	if e.Log, err = measure.ParseLog(log); err != nil {
		return nil, err
	}
	if r.Info.TCBInfo != "" {
		if err := e.SetTCBInfo([]byte(r.Info.TCBInfo)); err != nil {
			return nil, err
		}
	}
	if len(r.Collateral) > 0 && string(r.Collateral) != "null" {
		if e.Collateral, err = quote.ParseCollateral(r.Collateral); err != nil {
			return nil, err
		}
	}
	if len(r.Provenance) > 0 && string(r.Provenance) != "null" {
		e.Provenance = r.Provenance
	}
	return e, nil
}

func parseNEAR(data []byte) (*Evidence, error) {
	var doc struct {
		Info struct {
			Dstack *struct {
				Quote      json.RawMessage `json:"quote"`
				Collateral json.RawMessage `json:"collateral"`
				TCBInfo    json.RawMessage `json:"tcb_info"`
			} `json:"Dstack"`
		} `json:"tee_participant_info"`
	}
	if err := strictjson.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	d := doc.Info.Dstack
	if d == nil {
		return nil, errors.New("evidence: the node's public data has no Dstack attestation")
	}
	e := &Evidence{Kind: KindNEAR}
	if err := strictjson.Unmarshal(d.Quote, (*strictjson.Bytes)(&e.Quote)); err != nil {
		return nil, fmt.Errorf("the Dstack attestation's quote: %w", err)
	}
	if err := e.SetTCBInfo(d.TCBInfo); err != nil {
		return nil, err
	}
	var err error
	if len(d.Collateral) > 0 && string(d.Collateral) != "null" {
		e.Collateral, err = quote.ParseCollateral(d.Collateral)
	}
	return e, err
}

func parsePhala(data []byte) (*Evidence, error) {
	var doc struct {
		Certificates []struct {
			Quote string `json:"quote"`
		} `json:"app_certificates"`
		TCBInfo json.RawMessage `json:"tcb_info"`
	}
	if err := strictjson.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	e := &Evidence{Kind: KindPhala}
	for _, c := range doc.Certificates {
		if c.Quote != "" {
			if err := e.SetQuote([]byte(c.Quote)); err != nil {
				return nil, err
			}
			break
		}
	}
	if e.Quote == nil {
		return nil, errors.New("evidence: no application certificate has a quote")
	}
	return e, e.SetTCBInfo(doc.TCBInfo)
}

// quoteHead is the size of a quote's header, in bytes.
const quoteHead = 48

// SetQuote reads a quote, binary or as hex, with or without 0x and white space around
// it.
func (e *Evidence) SetQuote(data []byte) error {
	text := strings.TrimPrefix(strings.TrimSpace(string(data)), "0x")
	if raw, err := hex.DecodeString(text); err == nil && len(raw) > 0 {
		e.Quote = raw
		return nil
	}
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil && len(raw) > quoteHead {
		return errors.New("quote: is in base64; give it as hex or as its bytes (base64 -d)")
	}
	if len(data) < 2 || data[0] != 4 && data[0] != 5 || data[1] != 0 {
		return errors.New("quote: is neither hex nor a TDX quote of version 4 or 5")
	}
	e.Quote = data
	return nil
}

// SetTCBInfo reads dstack's tcb_info: an object, or a string that holds one. It uses
// the log in it if the evidence has none.
func (e *Evidence) SetTCBInfo(data []byte) error {
	data = []byte(inner(data))
	var t tcbInfo
	if err := strictjson.Unmarshal(data, &t); err != nil {
		return fmt.Errorf("tcb_info: %w", err)
	}
	e.Claims.MRTD, e.Claims.RTMR0, e.Claims.RTMR1, e.Claims.RTMR2 = t.MRTD, t.RTMR0, t.RTMR1, t.RTMR2
	if t.AppCompose != nil {
		e.AppCompose = []byte(*t.AppCompose)
	}
	if e.Log != nil || len(t.EventLog) == 0 {
		return nil
	}
	return e.SetLog(t.EventLog)
}

// SetLog reads an event log: an array, or a string that holds one.
func (e *Evidence) SetLog(data []byte) (err error) {
	data = []byte(inner(data))
	e.Log, err = measure.ParseLog(data)
	return err
}
