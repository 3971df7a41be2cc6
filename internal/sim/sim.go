package sim

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"gitlauncher/internal/sim/fault"
	"gitlauncher/internal/sim/tdx"
	"gitlauncher/policy"
)

// Line is a release line of dstack.
type Line string

// The release lines that are in use.
const (
	V05 Line = "0.5"
	V06 Line = "0.6"
)

// ParseLine reads the name of a release line.
func ParseLine(s string) (Line, error) {
	if line := Line(s); line == V05 || line == V06 {
		return line, nil
	}
	return "", fmt.Errorf("%q is no line of dstack: %s or %s", s, V05, V06)
}

// version returns the version that a guest agent of the line says it is.
func (l Line) version() string {
	if l == V05 {
		return "0.5.15"
	}
	return "0.6.6"
}

// Options is what can be chosen about a simulated VM.
type Options struct {
	Dstack      Line        // the zero value is V06
	AppCompose  []byte      // the exact bytes of app-compose.json
	AppID       []byte      // 20 bytes; nil for the first 20 of the compose hash
	KeyProvider KeyProvider // the zero value is none
	Seed        string      // instance and device id come from it
	Now         time.Time
	TEETCBSVN   [16]byte
	Statuses    tdx.Statuses // empty ones are UpToDate
	Faults      []fault.Fault
}

// appCompose has the fields of an app-compose that change what a VM measures.
type appCompose struct {
	Name            string          `json:"name"`
	ManifestVersion any             `json:"manifest_version"`
	KeyProviderID   string          `json:"key_provider_id"` // hex
	NoInstanceID    bool            `json:"no_instance_id"`
	InitScript      json.RawMessage `json:"init_script"`
	EventLogVersion int             `json:"event_log_version"`
}

// initScripts returns the scripts that dstack 0.6 runs and measures: a list, or one
// string.
func (a *appCompose) initScripts() []string {
	var list []string
	if json.Unmarshal(a.InitScript, &list) == nil {
		return list
	}
	var one string
	if json.Unmarshal(a.InitScript, &one) == nil && one != "" {
		return []string{one}
	}
	return nil
}

// Machine is a simulated VM from boot on.
type Machine struct {
	opts        Options
	app         appCompose
	pki         *tdx.PKI
	enclave     tdx.Enclave
	image       image
	composeHash [32]byte
	appID       []byte
	instanceID  []byte
	deviceID    []byte
	mrtd        [48]byte
	mrConfigID  [48]byte

	mu    sync.Mutex
	log   []entry
	rtmr  [4][48]byte
	calls map[string]int // how often each call was made, by the prefix of its faults
}

// New boots a machine.
func New(o Options) (*Machine, error) {
	m := &Machine{opts: o, composeHash: sha256.Sum256(o.AppCompose), image: newImage(), calls: make(map[string]int)}
	if err := m.opts.fill(); err != nil {
		return nil, err
	}
	if err := m.readCompose(); err != nil {
		return nil, err
	}
	if m.appID = m.opts.AppID; m.appID == nil {
		m.appID = m.composeHash[:20]
	}
	m.deviceID = m.seeded("device")
	if !m.app.NoInstanceID {
		m.instanceID = m.seeded("instance")[:20]
	}
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

// fill sets the defaults, and refuses options that make no sense.
func (o *Options) fill() error {
	if o.Dstack == "" {
		o.Dstack = V06
	}
	if _, err := ParseLine(string(o.Dstack)); err != nil {
		return err
	}
	if o.KeyProvider.Name == "" {
		o.KeyProvider.Name = noProvider
	}
	if o.AppID != nil && len(o.AppID) != 20 {
		return fmt.Errorf("app id has %d bytes, not 20", len(o.AppID))
	}
	for _, s := range []*string{&o.Statuses.Platform, &o.Statuses.Module, &o.Statuses.QE} {
		if *s == "" {
			*s = "UpToDate"
		}
	}
	return fault.Check(o.Faults)
}

// readCompose reads the app-compose, and refuses one with which a VM would not boot.
func (m *Machine) readCompose() error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(m.opts.AppCompose, &object); err != nil || object == nil {
		return errors.New("app-compose is not a JSON object")
	}
	if err := json.Unmarshal(m.opts.AppCompose, &m.app); err != nil {
		return fmt.Errorf("app-compose: %w", err)
	}
	switch {
	case m.app.EventLogVersion < 0 || m.app.EventLogVersion > 2:
		return fmt.Errorf("app-compose: event_log_version is %d, not 1 or 2", m.app.EventLogVersion)
	case m.app.KeyProviderID != "" && !strings.EqualFold(m.app.KeyProviderID, m.providerID()):
		return fmt.Errorf("app-compose: key_provider_id is %.100s, and the key provider's is %q: a VM would not boot", m.app.KeyProviderID, m.providerID())
	}
	return nil
}

// seeded returns 32 bytes that follow from the seed.
func (m *Machine) seeded(what string) []byte {
	sum := sha256.Sum256([]byte("git-launcher simulator " + what + " " + m.opts.Seed))
	return sum[:]
}

// Quote quotes the registers as they are.
func (m *Machine) Quote(reportData [64]byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.quote(reportData)
}

func (m *Machine) quote(reportData [64]byte) ([]byte, error) {
	r := tdx.Report{
		TDAttributes: [8]byte{3: 0x10}, // as QEMU sets them for dstack
		TEETCBSVN:    m.opts.TEETCBSVN, MRTD: m.mrtd, MRConfigID: m.mrConfigID, RTMR: m.rtmr, ReportData: reportData,
	}
	return m.pki.Quote(r, m.enclave)
}

// RootPEM returns the root under which the quotes verify. It is not Intel's.
func (m *Machine) RootPEM() []byte { return m.pki.RootPEM() }

// Collateral returns, as JSON, what the quotes are judged by.
func (m *Machine) Collateral() ([]byte, error) {
	c, err := m.pki.Collateral(m.opts.TEETCBSVN, m.enclave, m.opts.Statuses)
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(c, "", "  ")
}

// Policy returns the machine's registers as lines of a verifier's policy: what a
// release of a real system publishes.
func (m *Machine) Policy() []byte {
	var w policy.Writer
	w.Comment("The system, by its image and by the host's ACPI tables:")
	w.Line("OS_IMAGE_HASH", hex.EncodeToString(m.image.hash[:]))
	var tables []string
	for _, name := range acpiTables {
		digest := sha512.Sum384([]byte("git-launcher simulator " + name))
		tables = append(tables, hex.EncodeToString(digest[:]))
	}
	w.Line("ACPI_TABLES", strings.Join(tables, ","))
	w.Comment("The same by value; the lines above do without these.")
	w.Line("MRTD", hex.EncodeToString(m.mrtd[:]))
	for i := range 3 {
		w.Line(fmt.Sprintf("RTMR%d", i), hex.EncodeToString(m.rtmr[i][:]))
	}
	return w.Bytes()
}
