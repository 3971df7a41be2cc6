package evidence

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
	"gitlauncher/verify/evidence/attest"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/system"
)

// parseAnswer reads a guest agent's answer to GetQuote or to Attest. The answer of Info
// may be in the same object.
func parseAnswer(data []byte, has func(names ...string) bool) (*Evidence, error) {
	var doc struct {
		Quote       string          `json:"quote"`
		EventLog    json.RawMessage `json:"event_log"` // a string that holds the list, or the list
		ReportData  string          `json:"report_data"`
		VMConfig    json.RawMessage `json:"vm_config"`
		Attestation string          `json:"attestation"`
		Collateral  json.RawMessage `json:"collateral"`
	}
	if err := strictjson.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	e := &Evidence{Kind: KindQuote, Claims: Claims{ReportData: doc.ReportData}, VMConfig: vmConfig(inner(doc.VMConfig))}
	var err error
	switch {
	case has("attestation", "quote"):
		return nil, errors.New("evidence has answers of GetQuote and of Attest in one object; give one of them")
	case has("attestation"):
		e.Kind = KindAttest
		raw, decodeErr := hex.DecodeString(doc.Attestation)
		if decodeErr != nil {
			return nil, errors.New("evidence: the attestation is not hex")
		}
		err = e.SetAttestation(raw)
	default:
		if err = e.SetQuote([]byte(doc.Quote)); err == nil {
			e.Log, err = measure.ParseLog([]byte(inner(doc.EventLog)))
		}
	}
	if err == nil && (has("tcb_info") || has("app_compose")) {
		err = e.SetInfo(data)
	}
	if err == nil && len(doc.Collateral) > 0 && string(doc.Collateral) != "null" {
		e.Collateral, err = quote.ParseCollateral(doc.Collateral)
	}
	return e, err
}

// twoDocuments splits a file that has two JSON objects one after the other, as
// “cat info.json quote.json” writes it.
func twoDocuments(data []byte) (first, second []byte, ok bool) {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if dec.Decode(new(skipped)) != nil {
		return nil, nil, false
	}
	end := dec.InputOffset()
	second = bytes.TrimLeft(data[end:], " \t\r\n")
	return data[:end], second, len(second) > 0 && second[0] == '{'
}

// parseAnswers reads Info's answer and that of GetQuote or Attest, in either order.
func parseAnswers(first, second []byte) (*Evidence, error) {
	for _, pair := range [][2][]byte{{first, second}, {second, first}} {
		has, err := keysOf(pair[0])
		if err != nil {
			return nil, fmt.Errorf("evidence: %w", err)
		}
		other, err := keysOf(pair[1])
		if err != nil {
			return nil, fmt.Errorf("evidence: %w", err)
		}
		if (has("quote", "event_log") || has("attestation")) && !has("record") && !other("quote") && !other("attestation") && (other("tcb_info") || other("app_compose")) {
			e, err := parseAnswer(pair[0], has)
			if err != nil {
				return nil, err
			}
			return e, e.SetInfo(pair[1])
		}
	}
	return nil, errors.New("evidence has two documents, and they are not an Info answer and one of GetQuote or Attest")
}

// SetAttestation reads the attestation of an Attest answer: MessagePack, or its hex.
func (e *Evidence) SetAttestation(data []byte) error {
	if text, err := hex.DecodeString(strings.TrimSpace(string(data))); err == nil {
		data = text
	}
	a, err := attest.Parse(data)
	if err != nil {
		return err
	}
	e.Quote, e.Log = a.Quote, a.Log
	if e.VMConfig == nil {
		e.VMConfig = vmConfig(a.VMConfig)
	}
	return nil
}

// SetInfo reads a guest agent's Info answer: that of v0, whose tcb_info has the
// app-compose, or that of v1, which has it directly.
func (e *Evidence) SetInfo(data []byte) error {
	var info struct {
		TCBInfo    json.RawMessage `json:"tcb_info"`
		AppCompose *string         `json:"app_compose"`
		VMConfig   json.RawMessage `json:"vm_config"`
	}
	if err := strictjson.Unmarshal(data, &info); err != nil {
		return fmt.Errorf("info: %w", err)
	}
	if e.VMConfig == nil {
		e.VMConfig = vmConfig(inner(info.VMConfig))
	}
	if info.AppCompose != nil {
		e.AppCompose = []byte(*info.AppCompose)
	}
	switch has := len(info.TCBInfo) > 0 && string(info.TCBInfo) != `""` && string(info.TCBInfo) != "null"; {
	case has:
		return e.SetTCBInfo(info.TCBInfo)
	case info.AppCompose == nil:
		return errors.New("info: has neither tcb_info nor app_compose")
	}
	return nil
}

// SetVMConfig reads dstack's vm_config: an object, or a string that holds one.
func (e *Evidence) SetVMConfig(data []byte) error {
	e.VMConfig = []byte(inner(data))
	_, err := system.ParseVMConfig(e.VMConfig)
	return err
}

// inner returns the text that a JSON string holds, or JSON that is no string as it is.
func inner(data []byte) string {
	var text string
	if strictjson.Unmarshal(data, &text) == nil {
		return text
	}
	return string(data)
}

// vmConfig returns the first vm_config that is not empty, or nil.
func vmConfig(texts ...string) []byte {
	for _, text := range texts {
		if text != "" {
			return []byte(text)
		}
	}
	return nil
}
