package sim

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"

	"golang.org/x/crypto/sha3"
)

// entry is a line of the event log. Only log version 2 has Version and Preimage.
type entry struct {
	IMR          int    `json:"imr"`
	EventType    uint32 `json:"event_type"`
	Digest       string `json:"digest"`
	Event        string `json:"event"`
	EventPayload string `json:"event_payload"`
	Version      int    `json:"version,omitempty"`
	Preimage     string `json:"preimage,omitempty"`
}

const runtimeEvent = 0x08000001 // dstack's own, in RTMR3

// boot fills the registers and writes dstack's own events.
func (m *Machine) boot() {
	m.mrConfigID = m.configID()
	m.bootImage()
	for _, e := range m.bootEvents() {
		m.record(e.name, e.payload)
		m.extend(3, m.digest(e.name, e.payload))
	}
}

// firmware writes an event from before the system runs.
func (m *Machine) firmware(imr int, kind uint32, name string, payload []byte, digest [48]byte) {
	m.log = append(m.log, entry{
		IMR: imr, EventType: kind, Digest: hex.EncodeToString(digest[:]), Event: name, EventPayload: hex.EncodeToString(payload),
	})
	m.extend(imr, digest)
}

type bootEvent struct {
	name    string
	payload []byte
}

// bootEvents returns dstack's own events, in its order.
func (m *Machine) bootEvents() []bootEvent {
	events := []bootEvent{{"system-preparing", nil}, {"app-id", m.appID}, {"compose-hash", m.composeHash[:]}}
	if m.opts.Dstack == V06 {
		for _, script := range m.app.initScripts() {
			sum := sha256.Sum256([]byte(script))
			events = append(events, bootEvent{"init-script-hash", sum[:]})
		}
	}
	events = append(events, bootEvent{"instance-id", m.instanceID}, bootEvent{"boot-mr-done", nil})
	if m.opts.KeyProvider.Name == kmsProvider {
		if m.opts.Dstack == V05 { // 0.6 no longer records it
			events = append(events, bootEvent{"mr-kms", m.seeded("mr-kms")})
		}
		events = append(events, bootEvent{"os-image-hash", m.image.hash[:]})
	}
	return append(events, bootEvent{"key-provider", []byte(m.providerInfo())}, bootEvent{"storage-fs", []byte("zfs")}, bootEvent{"system-ready", nil})
}

// configID returns MRCONFIGID as dstack's VMM makes it: version 1, the compose hash,
// unless the app-compose names its key provider by id; then version 2 on 0.5, and on
// 0.6 version 3, the hash of a document.
func (m *Machine) configID() (id [48]byte) {
	provider, _ := hex.DecodeString(m.app.KeyProviderID) // equal to a hex string, see readCompose
	kind, kindByte := m.opts.KeyProvider.kind()
	switch {
	case len(provider) == 0:
		id[0] = 1
		copy(id[1:], m.composeHash[:])
	case m.opts.Dstack == V05:
		h := sha3.NewLegacyKeccak256()
		h.Write(m.composeHash[:])
		h.Write(m.appID)
		h.Write([]byte{kindByte})
		h.Write(provider)
		id[0] = 2
		copy(id[1:], h.Sum(nil))
	default:
		sum := sha256.Sum256(append([]byte("dstack-mr-config-v3:\x00"), m.configDocument(kind)...))
		id[0] = 3
		copy(id[1:], sum[:])
	}
	return id
}

// configDocument returns the RFC 8785 JSON whose hash is MRCONFIGID 3. Its values are
// hex and plain words, so encoding/json, which sorts the keys of a map, writes that
// form.
func (m *Machine) configDocument(kind string) []byte {
	doc := map[string]any{
		"version": 3, "app_id": hex.EncodeToString(m.appID), "compose_hash": hex.EncodeToString(m.composeHash[:]),
		"key_provider": kind, "key_provider_id": strings.ToLower(m.app.KeyProviderID),
	}
	if len(m.instanceID) > 0 {
		doc["instance_id"] = hex.EncodeToString(m.instanceID)
	}
	if m.app.ManifestVersion == "3" {
		hashes := []string{}
		for _, script := range m.app.initScripts() {
			sum := sha256.Sum256([]byte(script))
			hashes = append(hashes, hex.EncodeToString(sum[:]))
		}
		doc["init_script_hashes"] = hashes
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err) // strings and a number
	}
	return text
}

// logVersion returns the version of the events in RTMR3.
func (m *Machine) logVersion() int {
	if m.opts.Dstack == V06 && m.app.EventLogVersion == 2 {
		return 2
	}
	return 1
}

// preimage returns the bytes whose hash is an event's digest.
func (m *Machine) preimage(name string, payload []byte) []byte {
	if m.logVersion() == 2 {
		text, err := json.Marshal(map[string]any{"name": name, "payload": hex.EncodeToString(payload), "type": runtimeEvent})
		if err != nil {
			panic(err) // strings and a number
		}
		return text
	}
	b := binary.LittleEndian.AppendUint32(nil, runtimeEvent)
	b = append(b, ':')
	b = append(b, name...)
	b = append(b, ':')
	return append(b, payload...)
}

func (m *Machine) digest(name string, payload []byte) [48]byte {
	return sha512.Sum384(m.preimage(name, payload))
}

// record appends an event to the log; it does not extend the register.
func (m *Machine) record(name string, payload []byte) {
	m.log = append(m.log, m.runtimeEntry(name, payload))
}

func (m *Machine) runtimeEntry(name string, payload []byte) entry {
	d := m.digest(name, payload)
	e := entry{IMR: 3, EventType: runtimeEvent, Digest: hex.EncodeToString(d[:]), Event: name, EventPayload: hex.EncodeToString(payload)}
	if m.logVersion() == 2 {
		e.Version = 2
	}
	return e
}

func (m *Machine) extend(i int, digest [48]byte) {
	m.rtmr[i] = sha512.Sum384(append(m.rtmr[i][:], digest[:]...))
}

// withPreimages adds to a log what GetQuote and Attest have in it and Info has not:
// entries of log version 2 have the bytes whose hash is their digest.
func (m *Machine) withPreimages(log []entry) []entry {
	for i, e := range log {
		if e.Version == 2 {
			payload, _ := hex.DecodeString(e.EventPayload) // written as hex by runtimeEntry
			log[i].Preimage = hex.EncodeToString(m.preimage(e.Event, payload))
		}
	}
	return log
}
