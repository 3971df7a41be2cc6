package sim_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/internal/sim"
	"gitlauncher/measure"
)

// events returns a machine's own events, NAME=PAYLOAD, from a log that replays.
func events(t *testing.T, m *sim.Machine) []string {
	t.Helper()
	state, err := serve(t, m).State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	replayed, err := state.Log.Replay()
	if err != nil || measure.End(replayed) != state.RTMR3 {
		t.Fatalf("the log does not replay: %v", err)
	}
	var out []string
	for _, e := range replayed {
		out = append(out, fmt.Sprintf("%s=%s", e.Name, e.Payload))
	}
	return out
}

func find(events []string, name string) (string, bool) {
	for _, e := range events {
		if n, payload, _ := strings.Cut(e, "="); n == name {
			return payload, true
		}
	}
	return "", false
}

// TestKeyProviders: the event has the JSON that dstack writes, Info says the same, and
// the events of a KMS are those of the line.
func TestKeyProviders(t *testing.T) {
	for _, line := range []sim.Line{sim.V05, sim.V06} {
		for _, tc := range []struct{ flag, name, id string }{
			{"none", "none", ""},
			{"tpm", "tpm", ""},
			{"tpm:00ff", "tpm", "00ff"},
			{"local-sgx", "local-sgx", "~"},
			{"local-sgx:1B7a", "local-sgx", "1b7a"},
			{"kms", "kms", "~"},
			{"kms:3059", "kms", "3059"},
		} {
			p, err := sim.ParseKeyProvider(tc.flag)
			if err != nil {
				t.Fatal(err)
			}
			m := start(t, func(o *sim.Options) { o.Dstack, o.KeyProvider = line, p })
			got := events(t, m)
			payload, _ := find(got, "key-provider")
			var v struct{ Name, ID string }
			if err := json.Unmarshal([]byte(payload), &v); err != nil {
				t.Fatal(err)
			}
			if v.Name != tc.name || tc.id != "~" && v.ID != tc.id || tc.id == "~" && v.ID == "" {
				t.Errorf("%s: %s", tc.flag, payload)
			}
			if want := `{"name":"` + v.Name + `","id":"` + v.ID + `"}`; payload != want || info(t, m, "/Info")["key_provider_info"] != want {
				t.Errorf("%s: the event has %s, not %s", tc.flag, payload, want)
			}
			_, mrKMS := find(got, "mr-kms")
			_, image := find(got, "os-image-hash")
			if isKMS := tc.name == "kms"; image != isKMS || mrKMS != (isKMS && line == sim.V05) {
				t.Errorf("%s on %s: mr-kms %v, os-image-hash %v", tc.flag, line, mrKMS, image)
			}
		}
	}
	p, _ := sim.ParseKeyProvider("kms")
	payload, _ := find(events(t, start(t, func(o *sim.Options) { o.KeyProvider = p })), "key-provider")
	var v struct{ ID string }
	json.Unmarshal([]byte(payload), &v)
	der, _ := hex.DecodeString(v.ID)
	if _, err := x509.ParsePKIXPublicKey(der); err != nil {
		t.Errorf("a KMS's id is a public key: %v", err)
	}
	for _, s := range []string{"", "sgx", "KMS", "none:", "none:00", "kms:", "kms:0", "kms:zz", "kms:00:00"} {
		if p, err := sim.ParseKeyProvider(s); err == nil {
			t.Errorf("%q is read as %v", s, p)
		}
	}
}

// TestLogVersion2: an app-compose of 0.6 can ask for log version 2, whose preimages
// GetQuote has and Info has not. Package measure recomputes the digests.
func TestLogVersion2(t *testing.T) {
	m := start(t, func(o *sim.Options) { o.Dstack, o.AppCompose = sim.V06, []byte(`{"event_log_version":2}`) })
	_, body := ask(m, "POST", "/GetQuote", `{"report_data":"00"}`)
	var quote struct {
		EventLog string `json:"event_log"`
	}
	if err := json.Unmarshal([]byte(body), &quote); err != nil {
		t.Fatal(err)
	}
	log, err := measure.ParseLog([]byte(quote.EventLog))
	if err != nil {
		t.Fatal(err)
	}
	var tcb struct {
		RTMR3    string
		EventLog measure.Log `json:"event_log"`
	}
	if err := json.Unmarshal([]byte(info(t, m, "/Info")["tcb_info"]), &tcb); err != nil {
		t.Fatal(err)
	}
	replayed, err := log.Replay()
	if err != nil || measure.End(replayed).String() != tcb.RTMR3 {
		t.Errorf("GetQuote's log does not replay: %v", err)
	}
	for i, e := range log {
		want := 0
		if e.IMR == 3 {
			want = 2
		}
		if e.Version != want || (e.Preimage == "") != (want == 0) || tcb.EventLog[i].Version != want || tcb.EventLog[i].Preimage != "" {
			t.Errorf("entry %d: %+v and %+v", i, e, tcb.EventLog[i])
		}
	}
}

// TestInitScripts: dstack 0.6 records a script, and each of a list.
func TestInitScripts(t *testing.T) {
	for text, want := range map[string]int{`"true"`: 1, `["true","false"]`: 2, `[]`: 0, `""`: 0} {
		m := start(t, func(o *sim.Options) { o.Dstack, o.AppCompose = sim.V06, []byte(`{"init_script":`+text+`}`) })
		n := 0
		for _, e := range events(t, m) {
			if strings.HasPrefix(e, "init-script-hash=") {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: %d events", text, n)
		}
	}
}

// TestConfigID: MRCONFIGID is version 1, unless the app-compose names its key provider;
// then it is version 2 on 0.5 and version 3 on 0.6.
func TestConfigID(t *testing.T) {
	configID := func(line sim.Line, app, provider string) string {
		p, err := sim.ParseKeyProvider(provider)
		if err != nil {
			t.Fatal(err)
		}
		m := start(t, func(o *sim.Options) { o.Dstack, o.AppCompose, o.KeyProvider = line, []byte(app), p })
		quote, err := m.Quote([64]byte{})
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(quote[48+184:][:48])
	}
	zeros := strings.Repeat("0", 30)
	plain := sha256.Sum256([]byte(compose))
	for _, line := range []sim.Line{sim.V05, sim.V06} {
		if got, want := configID(line, compose, "kms:aa"), fmt.Sprintf("01%x%s", plain, zeros); got != want {
			t.Errorf("dstack %s: %s, want %s", line, got, want)
		}
	}
	const named = `{"manifest_version":"3","key_provider_id":"aa","no_instance_id":true}`
	if got := configID(sim.V05, named, "kms:aa"); !strings.HasPrefix(got, "02") || !strings.HasSuffix(got, zeros) {
		t.Errorf("dstack 0.5: %s", got)
	}
	hash := sha256.Sum256([]byte(named))
	doc := fmt.Sprintf(`{"app_id":"%x","compose_hash":"%x","init_script_hashes":[],"key_provider":"kms","key_provider_id":"aa","version":3}`, hash[:20], hash)
	sum := sha256.Sum256([]byte("dstack-mr-config-v3:\x00" + doc))
	if d := cmp.Diff(fmt.Sprintf("03%x%s", sum, zeros), configID(sim.V06, named, "kms:aa")); d != "" {
		t.Error(d)
	}
}
