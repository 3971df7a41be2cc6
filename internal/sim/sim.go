// Package sim is a dstack guest agent for development: the same socket API, an
// RTMR3 that really extends, and TDX quotes that really verify, under a root that
// is not Intel's. dstack's own simulator refuses EmitEvent, so without this
// nobody can try a measured launch on a laptop.
//
// One Machine is one boot: its state lives and dies with the process. As in
// dstack 0.5, an event is appended to the log before the register is extended,
// but in one step unless a Fault says otherwise.
//
// What it does not do: prove anything to anybody. Whoever runs it chooses every
// value in its quotes.
//
// Shapes: events.md and simulator.md. It computes digests by itself, without
// package measure, so that each can be tested against the other.
package sim

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"gitlauncher/internal/sim/tdx"
)

// Options is what of a simulated VM can be chosen.
type Options struct {
	AppCompose []byte // the exact bytes of app-compose.json
	AppID      []byte // 20 bytes; nil for the first 20 of the compose hash
	Seed       string // instance and device id come from it
	Now        time.Time
	TEETCBSVN  [16]byte
	Statuses   tdx.Statuses // empty ones are UpToDate
	Faults     []Fault
}

// entry is a line of the event log, with the keys of dstack 0.5.
type entry struct {
	IMR          int    `json:"imr"`
	EventType    uint32 `json:"event_type"`
	Digest       string `json:"digest"`
	Event        string `json:"event"`
	EventPayload string `json:"event_payload"`
}

const eventType = 0x08000001

// Machine is a simulated VM from boot on.
type Machine struct {
	opts        Options
	pki         *tdx.PKI
	enclave     tdx.Enclave
	composeHash [32]byte
	appID       []byte
	instanceID  []byte
	deviceID    []byte
	mrtd        [48]byte

	mu    sync.Mutex
	log   []entry
	rtmr  [4][48]byte
	emits int // how often EmitEvent was called
}

// New boots a machine.
func New(o Options) (*Machine, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(o.AppCompose, &object); err != nil || object == nil {
		return nil, fmt.Errorf("app-compose is not a JSON object")
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.AppID != nil && len(o.AppID) != 20 {
		return nil, fmt.Errorf("app id has %d bytes, not 20", len(o.AppID))
	}
	m := &Machine{opts: o, composeHash: sha256.Sum256(o.AppCompose), appID: o.AppID}
	if m.appID == nil {
		m.appID = m.composeHash[:20]
	}
	m.instanceID, m.deviceID = m.seeded("instance")[:20], m.seeded("device")
	m.enclave = tdx.Enclave{ProdID: 2, SVN: 4}
	copy(m.enclave.MRSigner[:], m.seeded("qe-mrsigner"))
	pki, err := tdx.NewPKI(tdx.Platform{
		FMSPC: [6]byte{0x90, 0xc0, 0x6f}, PCESVN: 11, CPUSVN: [16]byte{2, 2, 2, 2, 3, 1, 0, 3},
		Dates: tdx.Validity{From: o.Now.Add(-24 * time.Hour), Until: o.Now.Add(30 * 24 * time.Hour)},
	})
	if err != nil {
		return nil, err
	}
	m.pki = pki
	m.boot()
	return m, nil
}

// check refuses faults of which it is not clear which counts, and fills in statuses.
func (o *Options) check() error {
	for _, s := range []*string{&o.Statuses.Platform, &o.Statuses.Module, &o.Statuses.QE} {
		if *s == "" {
			*s = "UpToDate"
		}
	}
	for i, f := range o.Faults {
		for _, other := range o.Faults[:i] {
			if f.From == other.From {
				return fmt.Errorf("the faults %s and %s begin with the same EmitEvent, %d", other.Kind, f.Kind, f.From)
			}
		}
	}
	return nil
}

// seeded gives 32 bytes that the seed decides.
func (m *Machine) seeded(what string) []byte {
	sum := sha256.Sum256([]byte("git-launcher simulator " + what + " " + m.opts.Seed))
	return sum[:]
}

// boot fills the registers and writes dstack's own events.
func (m *Machine) boot() {
	m.mrtd = sha512.Sum384([]byte("git-launcher simulator mrtd"))
	for i := range 3 {
		digest := sha512.Sum384(fmt.Appendf(nil, "git-launcher simulator rtmr%d", i))
		m.log = append(m.log, entry{IMR: i, EventType: 0x80000008, Digest: hex.EncodeToString(digest[:])})
		m.extend(i, digest)
	}
	keyProvider := fmt.Sprintf(`{"name":"local-sgx","id":"%x"}`, m.seeded("key-provider"))
	for _, e := range []struct {
		name    string
		payload []byte
	}{
		{"system-preparing", nil},
		{"app-id", m.appID},
		{"compose-hash", m.composeHash[:]},
		{"instance-id", m.instanceID},
		{"boot-mr-done", nil},
		{"key-provider", []byte(keyProvider)},
		{"storage-fs", []byte("zfs")},
		{"system-ready", nil},
	} {
		m.append(e.name, e.payload)
		m.extend(3, digest(e.name, e.payload))
	}
}

// digest is log version 1's.
func digest(name string, payload []byte) [48]byte {
	b := binary.LittleEndian.AppendUint32(nil, eventType)
	b = append(b, ':')
	b = append(b, name...)
	b = append(b, ':')
	return sha512.Sum384(append(b, payload...))
}

func (m *Machine) append(name string, payload []byte) {
	d := digest(name, payload)
	m.log = append(m.log, entry{IMR: 3, EventType: eventType, Digest: hex.EncodeToString(d[:]), Event: name, EventPayload: hex.EncodeToString(payload)})
}

func (m *Machine) extend(i int, digest [48]byte) {
	m.rtmr[i] = sha512.Sum384(append(m.rtmr[i][:], digest[:]...))
}

// Quote quotes the registers as they are.
func (m *Machine) Quote(reportData [64]byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.quote(reportData)
}

func (m *Machine) quote(reportData [64]byte) ([]byte, error) {
	r := tdx.Report{TEETCBSVN: m.opts.TEETCBSVN, MRTD: m.mrtd, RTMR: m.rtmr, ReportData: reportData}
	r.MRConfigID[0] = 1
	copy(r.MRConfigID[1:], m.composeHash[:])
	return m.pki.Quote(r, m.enclave)
}

// RootPEM is the root under which the quotes verify. It is not Intel's.
func (m *Machine) RootPEM() []byte { return m.pki.RootPEM() }

// Collateral is what the quotes are judged by, as JSON.
func (m *Machine) Collateral() ([]byte, error) {
	c, err := m.pki.Collateral(m.opts.TEETCBSVN, m.enclave, m.opts.Statuses)
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(c, "", "  ")
}

// Policy is its registers as lines of a verifier's policy: what a release of a
// real system publishes.
func (m *Machine) Policy() []byte {
	return fmt.Appendf(nil, "MRTD=%x\nRTMR0=%x\nRTMR1=%x\nRTMR2=%x\n", m.mrtd, m.rtmr[0], m.rtmr[1], m.rtmr[2])
}
