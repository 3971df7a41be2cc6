package sim

import (
	"bytes"
	"encoding/hex"
	"slices"

	"github.com/vmihailenco/msgpack/v5"
)

// attestation is what Attest returns: MessagePack with the names of fields. As dstack's
// encoder does it, some byte strings are arrays of numbers (numbers), others are binary.
type attestation struct {
	Version  uint64   `msgpack:"version"`
	Platform evidence `msgpack:"platform"`
	Stack    evidence `msgpack:"stack"`
}

// evidence is a kind and the fields of that kind.
type evidence struct {
	Kind string `msgpack:"kind"`
	Data any    `msgpack:"data"`
}

type platformData struct {
	Quote    numbers         `msgpack:"quote"`
	EventLog []platformEvent `msgpack:"event_log"`
}

type platformEvent struct {
	IMR          uint32 `msgpack:"imr"`
	EventType    uint32 `msgpack:"event_type"`
	Digest       []byte `msgpack:"digest"`
	Event        string `msgpack:"event"`
	EventPayload []byte `msgpack:"event_payload"`
	Version      uint32 `msgpack:"version,omitempty"`
	Preimage     string `msgpack:"preimage,omitempty"` // hex
}

type stackData struct {
	ReportData    numbers      `msgpack:"report_data"`
	RuntimeEvents []stackEvent `msgpack:"runtime_events"`
	Config        string       `msgpack:"config"`
}

type stackEvent struct {
	Event   string `msgpack:"event"`
	Payload []byte `msgpack:"payload"`
	Version uint32 `msgpack:"version,omitempty"`
}

// numbers are bytes that are encoded as an array of numbers.
type numbers []byte

// EncodeMsgpack implements [msgpack.CustomEncoder].
func (n numbers) EncodeMsgpack(enc *msgpack.Encoder) error {
	if err := enc.EncodeArrayLen(len(n)); err != nil {
		return err
	}
	for _, b := range n {
		if err := enc.EncodeUint(uint64(b)); err != nil {
			return err
		}
	}
	return nil
}

func (m *Machine) attestV0(body []byte, _ string) (any, error) {
	return m.attest(body, "Report data is too long")
}

func (m *Machine) attestV1(body []byte, _ string) (any, error) {
	return m.attest(body, "report data is too long")
}

func (m *Machine) attest(body []byte, tooLong string) (any, error) {
	data, err := reportData(body, tooLong)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	quote, err := m.quote(data)
	if err != nil {
		return nil, err
	}
	platform, stack := platformData{Quote: quote}, stackData{ReportData: data[:], Config: m.image.vmConfig()}
	for _, e := range m.withPreimages(slices.Clone(m.log)) {
		if e.IMR != 3 && e.Event == "" {
			continue // of the events before the system, dstack returns only those of ACPI
		}
		digest, _ := hex.DecodeString(e.Digest) // both are written as hex by the boot
		payload, _ := hex.DecodeString(e.EventPayload)
		platform.EventLog = append(platform.EventLog, platformEvent{
			IMR: uint32(e.IMR), EventType: e.EventType, Digest: digest, Event: e.Event, EventPayload: payload,
			Version: uint32(e.Version), Preimage: e.Preimage,
		})
		if e.IMR == 3 {
			stack.RuntimeEvents = append(stack.RuntimeEvents, stackEvent{e.Event, payload, uint32(e.Version)})
		}
	}
	var out bytes.Buffer
	enc := msgpack.NewEncoder(&out)
	enc.UseCompactInts(true)
	err = enc.Encode(attestation{Version: 1, Platform: evidence{"tdx", platform}, Stack: evidence{"dstack", stack}})
	if err != nil {
		return nil, err
	}
	return map[string]string{"attestation": hex.EncodeToString(out.Bytes())}, nil
}
