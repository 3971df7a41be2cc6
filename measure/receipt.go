package measure

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"fmt"

	"gitlauncher/internal/strictjson"
)

// Binding says how a launch is bound to the machine's registers. In a receipt it is a claim
// of the launcher, and a verifier finds out for itself.
type Binding string

// The bindings (VERIFY.md).
const (
	Recorded Binding = "recorded" // commit and record are in RTMR3: this was launched
	Pinned   Binding = "pinned"   // the config is in what is measured: nothing else can be launched
)

// The values of a receipt's "version".
const (
	ReceiptVersion      = "1"
	ReceiptVersionBound = "2" // of a receipt that also binds a public key
)

// MaxNonce is the longest nonce of a receipt, in bytes.
const MaxNonce = 64

// MaxReceipt is the size of the largest receipt that is read, in bytes: 64 MiB.
const MaxReceipt = 64 << 20

// Receipt is a launch receipt (VERIFY.md): what a stranger needs to establish what was
// launched. Hex is lowercase.
type Receipt struct {
	Version    string          `json:"version"`
	Binding    Binding         `json:"binding"` // how the launch is bound
	Record     string          `json:"record"`  // the launch record's exact bytes
	Nonce      string          `json:"nonce"`   // hex; empty at launch
	Key        KeyHash         `json:"bound_spki_sha256,omitzero"`
	Quote      string          `json:"quote"`       // hex
	EventLog   string          `json:"event_log"`   // JSON, as the guest agent returned it with the quote
	ReportData string          `json:"report_data"` // hex, 64 bytes: see [Asked.ReportData]
	VMConfig   string          `json:"vm_config"`
	Info       ReceiptInfo     `json:"info"`
	Collateral json.RawMessage `json:"collateral,omitempty"`
	Provenance json.RawMessage `json:"provenance,omitempty"`
}

// ReceiptInfo is the guest agent's Info answer without the application's certificate. It is
// a claim of the agent, except for what the quote and the log prove.
type ReceiptInfo struct {
	AppID           string `json:"app_id"`
	InstanceID      string `json:"instance_id"`
	AppName         string `json:"app_name"`
	DeviceID        string `json:"device_id"`
	ComposeHash     string `json:"compose_hash"`
	OSImageHash     string `json:"os_image_hash"`
	MrAggregated    string `json:"mr_aggregated"`
	KeyProviderInfo string `json:"key_provider_info"`
	VMConfig        string `json:"vm_config"`
	TCBInfo         string `json:"tcb_info"` // JSON, with app_compose inside
}

// Asked is what a request for a receipt contains.
type Asked struct {
	Nonce []byte  // at most MaxNonce bytes
	Key   KeyHash // of the workload's public key; zero if the receipt is to bind none
}

// Version returns the version of the receipt.
func (a Asked) Version() string {
	if a.Key.IsZero() {
		return ReceiptVersion
	}
	return ReceiptVersionBound
}

// ReportData returns the report data of a receipt's quote, without a key and with one:
//
//	SHA512("git-launcher receipt v1\n" || SHA256(nonce) || record)
//	SHA512("git-launcher receipt v2\n" || SHA256(nonce) || SHA256(SPKI) || record)
//
// A stranger chooses only the nonce, and so can't obtain a quote over a key of their own.
func (a Asked) ReportData(record []byte) [64]byte {
	n := sha256.Sum256(a.Nonce)
	h := sha512.New()
	h.Write([]byte("git-launcher receipt v" + a.Version() + "\n"))
	h.Write(n[:])
	if !a.Key.IsZero() {
		h.Write(a.Key[:])
	}
	h.Write(record)
	return [64]byte(h.Sum(nil))
}

// Marshal returns the receipt as JSON with a newline at the end.
func (r *Receipt) Marshal() ([]byte, error) {
	out, err := json.Marshal(r)
	return append(out, '\n'), err
}

// ParseReceipt decodes a receipt strictly. It checks only the form, not what the receipt
// claims.
func ParseReceipt(data []byte) (*Receipt, error) {
	if len(data) > MaxReceipt {
		return nil, fmt.Errorf("receipt is larger than %d MiB", MaxReceipt>>20)
	}
	var r Receipt
	var wrong *json.UnmarshalTypeError
	if err := strictjson.Unmarshal(data, &r); errors.As(err, &wrong) && wrong.Field != "" {
		return nil, fmt.Errorf("receipt: %s is a %s, which no receipt has there", wrong.Field, wrong.Value)
	} else if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	switch bound := !r.Key.IsZero(); {
	case r.Version == ReceiptVersion && bound:
		return nil, errors.New("receipt of version 1 has a bound_spki_sha256, which version 2 has")
	case r.Version == ReceiptVersion:
		return &r, nil
	case r.Version != ReceiptVersionBound:
		return nil, fmt.Errorf("receipt has the unknown version %.20q", r.Version)
	case !bound:
		return nil, errors.New("receipt of version 2 has no bound_spki_sha256")
	}
	known := json.NewDecoder(bytes.NewReader(data))
	known.DisallowUnknownFields() // version 1 has always allowed them
	r = Receipt{}                 // frees the first copy, which may be large
	if err := known.Decode(&r); err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	return &r, nil
}
