package attest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"gitlauncher/measure"
)

// The bounds of an attestation. A quote of 64 KiB may be a list of numbers.
const (
	maxValues = 200_000
	maxDepth  = 16
)

// Attestation is what an attestation says about a TDX VM, parsed and not believed.
type Attestation struct {
	Quote    []byte
	Log      measure.Log
	VMConfig string // dstack's vm_config, the host's word; empty where there is none
}

// Is reports whether data looks like an attestation: MessagePack's maps begin with bytes
// that neither JSON nor hex nor a quote begins with.
func Is(data []byte) bool {
	return len(data) > 0 && (msgpcode.IsFixedMap(data[0]) || data[0] == msgpcode.Map16 || data[0] == msgpcode.Map32)
}

// Parse reads an attestation.
func Parse(data []byte) (*Attestation, error) {
	in := bytes.NewReader(data)
	d := &decoder{Decoder: msgpack.NewDecoder(in), left: maxValues, size: len(data)}
	v, err := d.value(0)
	if err != nil {
		return nil, fmt.Errorf("attestation: %w", err)
	}
	if in.Len() > 0 {
		return nil, errors.New("attestation: has something after its end")
	}
	a, err := parse(v)
	if err != nil {
		return nil, fmt.Errorf("attestation: %w", err)
	}
	return a, nil
}

func parse(v any) (*Attestation, error) {
	top, ok := v.(map[string]any)
	if version, is := top["version"].(uint64); !ok || !is || version != 1 {
		return nil, errors.New("is not of version 1")
	}
	platform, _ := top["platform"].(map[string]any)
	if kind, _ := platform["kind"].(string); kind != "tdx" && kind != "gcp-tdx" {
		return nil, fmt.Errorf("is of the platform %.40q; only tdx is judged here", kind)
	}
	data, _ := platform["data"].(map[string]any)
	a := new(Attestation)
	if a.Quote, ok = octets(data["quote"]); !ok {
		return nil, errors.New("has no quote")
	}
	list, ok := data["event_log"].([]any)
	if !ok {
		return nil, errors.New("has no event_log")
	}
	for i, v := range list {
		e, err := entry(v)
		if err != nil {
			return nil, fmt.Errorf("event_log, entry %d: %w", i, err)
		}
		a.Log = append(a.Log, e)
	}
	stack, _ := top["stack"].(map[string]any)
	if of, _ := stack["data"].(map[string]any); of != nil {
		a.VMConfig, _ = of["config"].(string)
	}
	return a, nil
}

// entry reads one entry of the event log.
func entry(v any) (e measure.Entry, err error) {
	m, ok := v.(map[string]any)
	if !ok {
		return e, errors.New("is not a map")
	}
	for name, to := range map[string]*uint32{"imr": &e.IMR, "event_type": &e.EventType} {
		n, ok := m[name].(uint64)
		if !ok || n > 1<<32-1 {
			return e, fmt.Errorf("has no %s", name)
		}
		*to = uint32(n)
	}
	if e.Event, ok = m["event"].(string); !ok {
		return e, errors.New("has no event")
	}
	for name, to := range map[string]*string{"digest": &e.Digest, "event_payload": &e.Payload, "preimage": &e.Preimage} {
		value, there := m[name]
		b, ok := octets(value)
		switch text, isText := value.(string); {
		case !there || value == nil:
		case isText:
			*to = text
		case ok:
			*to = hex.EncodeToString(b)
		default:
			return e, fmt.Errorf("has a %s that is not bytes", name)
		}
	}
	if value, there := m["version"]; there {
		n, ok := value.(uint64)
		if !ok || n > 1<<16 {
			return e, errors.New("has a version that is not a number")
		}
		e.Version = int(n)
	}
	return e, nil
}

// octets returns bytes that are binary or a list of numbers.
func octets(v any) ([]byte, bool) {
	switch v := v.(type) {
	case []byte:
		return v, true
	case []any:
		b := make([]byte, len(v))
		for i, n := range v {
			u, ok := n.(uint64)
			if !ok || u > 255 {
				return nil, false
			}
			b[i] = byte(u)
		}
		return b, true
	}
	return nil, false
}
