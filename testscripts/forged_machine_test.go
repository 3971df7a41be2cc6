package testscripts

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gitlauncher/internal/sim"
	"gitlauncher/measure"
)

// machine is a simulator, and a folder with what it answers.
type machine struct {
	dir string
	sim *sim.Machine
}

func (d *deployment) boot(t *testing.T, line sim.Line, appCompose []byte, o sim.Options) *machine {
	t.Helper()
	o.Dstack, o.AppCompose, o.Now, o.TEETCBSVN = line, appCompose, time.Now(), [16]byte{3, 1}
	booted, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	collateral, err := booted.Collateral()
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t.TempDir(), booted}
	for name, data := range map[string][]byte{"app-compose.json": appCompose, "root.pem": booted.RootPEM(), "collateral.json": collateral} {
		m.write(t, name, data)
	}
	return m
}

func (m *machine) file(name string) string { return filepath.Join(m.dir, name) }

func (m *machine) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(m.file(name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(m.file(name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// call returns the guest agent's answer.
func (m *machine) call(t *testing.T, method string, request any) []byte {
	t.Helper()
	answer := httptest.NewRecorder()
	m.sim.Handler().ServeHTTP(answer, httptest.NewRequest("POST", "/"+method, bytes.NewReader(marshalled(request))))
	if answer.Code != 200 {
		t.Fatalf("%s: %d %s", method, answer.Code, answer.Body)
	}
	return answer.Body.Bytes()
}

// emit writes an event, as anyone with the socket can.
func (m *machine) emit(t *testing.T, e measure.Event) {
	t.Helper()
	m.call(t, "EmitEvent", map[string]string{"event": e.Name, "payload": hex.EncodeToString(e.Payload)})
}

// answers writes the guest agent's answers to GetQuote and Info to files.
func (m *machine) answers(t *testing.T) {
	t.Helper()
	m.write(t, "quote.json", m.call(t, "GetQuote", map[string]string{"report_data": "01"}))
	m.write(t, "info.json", m.call(t, "Info", struct{}{}))
}

func (m *machine) composeFile(t *testing.T) string {
	t.Helper()
	var app struct {
		File string `json:"docker_compose_file"`
	}
	if err := json.Unmarshal(m.read(t, "app-compose.json"), &app); err != nil {
		t.Fatal(err)
	}
	return app.File
}

// edit changes a file of the evidence.
func (m *machine) edit(t *testing.T, file string, change func([]byte) []byte) {
	t.Helper()
	data := m.read(t, file)
	changed := change(bytes.Clone(data))
	if bytes.Equal(changed, data) {
		t.Fatalf("%s is not changed", file)
	}
	m.write(t, file, changed)
}
