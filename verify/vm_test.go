package verify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/sim/tdx"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
)

const (
	commit   = "0123456789abcdef0123456789abcdef01234567"
	tree     = "89abcdef0123456789abcdef0123456789abcdef"
	launcher = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	workload = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	repoURL  = "https://example.org/app.git"
	configs  = "REPO_URL=" + repoURL + "\nCOMMIT_SHA=" + commit + "\n"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// vm is a simulated platform with one launch, every part of which a test may
// change before evidence is made of it.
type vm struct {
	platform   tdx.Platform
	enclave    tdx.Enclave
	statuses   tdx.Statuses
	levels     [16]byte // the TEE_TCB_SVN that the collateral asks for
	report     tdx.Report
	app        map[string]any
	appCompose []byte // made of app if nil
	compose    string
	boot       []measure.Event // nil: dstack's
	after      []measure.Event // nil: the launch
	record     []byte          // of the receipt
	nonce      []byte
	key        measure.KeyHash               // that the receipt binds
	peer       measure.KeyHash               // of the server of the evidence
	log        func(measure.Log) measure.Log // what is said of the log, the register aside
	quoted     func([]byte) []byte           // what is said of the quote
	collateral func(*tdx.Collateral, *tdx.PKI)
	policy     []string // added to the full policy
	without    []string // keys left out of it
	at         time.Time
	foreign    bool     // judged under another root than its own
	further    []string // lines of the config beyond what its record says
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func newVM() *vm {
	v := &vm{
		platform: tdx.Platform{
			FMSPC: [6]byte{0x90, 0xc0, 0x6f}, PCESVN: 11, CPUSVN: [16]byte{2, 2, 2, 2, 3, 1, 0, 3},
			Dates: tdx.Validity{From: now.Add(-time.Hour), Until: now.Add(time.Hour)},
		},
		enclave: tdx.Enclave{ProdID: 2, SVN: 4, MRSigner: [32]byte{7}},
		levels:  [16]byte{3, 1}, at: now,
		app: map[string]any{"manifest_version": 2, "name": "app", "runner": "docker-compose", "allowed_envs": []string{}},
		compose: `
services:
  launcher:
    image: example.org/git-launcher@` + launcher + `
    restart: on-failure
    read_only: true
    environment:
      GIT_LAUNCHER_CONFIG: |
        REPO_URL=` + repoURL + `
        COMMIT_SHA=` + commit + `
    volumes:
      - /var/run/dstack.sock:/var/run/dstack.sock
      - workload:/var/lib/git-launcher
volumes:
  workload:
`,
	}
	v.report = tdx.Report{TEETCBSVN: v.levels, TDAttributes: [8]byte{3: 0x10}, MRTD: [48]byte{1}, RTMR: [4][48]byte{{2}, {3}, {4}}}
	return v
}

func gitRecord() *measure.GitRecord {
	return &measure.GitRecord{
		Launcher: "v1", ConfigSHA256: digestOf([]byte(configs)), RepoURL: repoURL, Commit: commit, Tree: tree,
		ContentSHA256: strings.Repeat("c", 64), Entrypoint: "entrypoint.sh", EntrypointSHA256: strings.Repeat("e", 64),
	}
}

// launch makes the config in the compose say what a record says, and launches that.
func (v *vm) launch(t testing.TB, r *measure.GitRecord) {
	t.Helper()
	lines := []string{"REPO_URL=" + r.RepoURL, "COMMIT_SHA=" + r.Commit}
	for _, l := range []struct{ key, value string }{{"REPO_SUBDIR", r.Subdir}, {"ENTRYPOINT_SCRIPT", r.Entrypoint}, {"RUN_CMD", r.RunCmd}, {"INSTALL_CMD", r.InstallCmd}} {
		if l.value != "" && !(r.Advanced && l.key == "ENTRYPOINT_SCRIPT") {
			lines = append(lines, l.key+"="+l.value)
		}
	}
	r.ConfigSHA256 = v.config(append(lines, v.further...)...)
	v.after, v.record = launchEvents(t, r), marshal(t, r)
}

// config puts another config into the compose, and returns its hash.
func (v *vm) config(lines ...string) string {
	before, rest, found := strings.Cut(v.compose, "      GIT_LAUNCHER_CONFIG: |\n")
	if !found {
		panic("the compose has no config")
	}
	_, rest, _ = strings.Cut(rest, "    volumes:")
	text := "      GIT_LAUNCHER_CONFIG: |\n"
	for _, l := range lines {
		text += "        " + l + "\n"
	}
	v.compose = before + text + "    volumes:" + rest
	return digestOf([]byte(strings.Join(lines, "\n") + "\n"))
}

// derived takes the config out of the compose: it is then in the launcher's image.
func (v *vm) derived() {
	before, rest, _ := strings.Cut(v.compose, "    environment:\n")
	v.compose = before + rest[strings.Index(rest, "    volumes:"):]
}

func marshal(t testing.TB, r interface{ Marshal() ([]byte, error) }) []byte {
	t.Helper()
	data, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func launchEvents(t testing.TB, r *measure.GitRecord) []measure.Event {
	id, _ := hex.DecodeString(r.Commit)
	return []measure.Event{{Name: measure.EventCommit, Payload: id}, {Name: measure.EventLaunch, Payload: marshal(t, r)}}
}

func bootEvents(appCompose []byte) []measure.Event {
	sum := sha256.Sum256(appCompose)
	return []measure.Event{
		{Name: "system-preparing"}, {Name: "app-id", Payload: sum[:20]}, {Name: "compose-hash", Payload: sum[:]},
		{Name: "instance-id", Payload: []byte{5}}, {Name: "boot-mr-done"}, {Name: "key-provider", Payload: []byte(`{"name":"none","id":""}`)},
		{Name: "storage-fs", Payload: []byte("zfs")}, {Name: "system-ready"},
	}
}

func logOf(events []measure.Event) measure.Log {
	var log measure.Log
	for _, e := range events {
		log = append(log, measure.Entry{IMR: 3, EventType: measure.RuntimeEventType, Event: e.Name, Payload: hex.EncodeToString(e.Payload)})
	}
	return log
}

// judge makes a receipt and judges it.
func (v *vm) judge(t testing.TB) *report.Report {
	t.Helper()
	e, p := v.evidence(t)
	return verify.Judge(t.Context(), e, p)
}

func (v *vm) evidence(t testing.TB) (*evidence.Evidence, verify.Params) {
	t.Helper()
	data, collateral, root := v.receipt(t)
	e, err := evidence.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	e.Peer = v.peer
	return e, verify.Params{Policy: v.fullPolicy(t), Root: root, At: v.at, Collateral: collateral}
}

// receipt returns the launch receipt of the machine as JSON, its collateral and the
// root.
func (v *vm) receipt(t testing.TB) ([]byte, *quote.Collateral, *quote.Root) {
	t.Helper()
	if v.appCompose == nil {
		v.app["docker_compose_file"] = v.compose
		v.appCompose, _ = json.Marshal(v.app)
	}
	if v.boot == nil {
		v.boot = bootEvents(v.appCompose)
	}
	if v.after == nil {
		v.after = launchEvents(t, gitRecord())
	}
	if v.record == nil {
		v.record = marshal(t, gitRecord())
	}
	log := logOf(append(v.boot[:len(v.boot):len(v.boot)], v.after...))
	replayed, err := log.Replay()
	if err != nil {
		t.Fatal(err)
	}
	r := v.report
	if r.RTMR[3] == ([48]byte{}) {
		r.RTMR[3] = measure.End(replayed)
	}
	if r.ReportData == ([64]byte{}) {
		r.ReportData = measure.Asked{Nonce: v.nonce, Key: v.key}.ReportData(v.record)
	}
	pki, err := tdx.NewPKI(v.platform)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := pki.Quote(r, v.enclave)
	if err != nil {
		t.Fatal(err)
	}
	if v.quoted != nil {
		raw = v.quoted(raw)
	}
	if v.log != nil {
		log = v.log(log)
	}
	eventLog, _ := json.Marshal(log)
	info, _ := json.Marshal(map[string]string{"app_compose": string(v.appCompose)})
	data, _ := json.Marshal(measure.Receipt{
		Version: measure.Asked{Key: v.key}.Version(), Record: string(v.record), Nonce: hex.EncodeToString(v.nonce), Key: v.key, Quote: hex.EncodeToString(raw),
		EventLog: string(eventLog), Info: measure.ReceiptInfo{TCBInfo: string(info)},
	})
	return data, v.collateralOf(t, pki), v.root(t, pki)
}

func (v *vm) collateralOf(t testing.TB, pki *tdx.PKI) *quote.Collateral {
	t.Helper()
	st := v.statuses
	for _, s := range []*string{&st.Platform, &st.Module, &st.QE} {
		if *s == "" {
			*s = "UpToDate"
		}
	}
	identity := v.enclave
	identity.Attributes[0] &^= 2 // Intel's identity is of no debug enclave
	c, err := pki.Collateral(v.levels, identity, st)
	if err != nil {
		t.Fatal(err)
	}
	if v.collateral != nil {
		v.collateral(c, pki)
	}
	data, _ := json.Marshal(c)
	out, err := quote.ParseCollateral(data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (v *vm) root(t testing.TB, pki *tdx.PKI) *quote.Root {
	t.Helper()
	if v.foreign {
		other, err := tdx.NewPKI(v.platform)
		if err != nil {
			t.Fatal(err)
		}
		pki = other
	}
	root, err := quote.ParseRoot(pki.RootPEM())
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// fullPolicy returns a policy that expects newVM's system, launcher and launch.
func (v *vm) fullPolicy(t testing.TB) *policy.Policy {
	reg := func(b byte) string { return hex.EncodeToString(append([]byte{b}, bytes.Repeat([]byte{0}, 47)...)) }
	var lines []string
	for _, line := range []string{
		"MRTD=" + reg(1), "RTMR0=" + reg(2), "RTMR1=" + reg(3), "RTMR2=" + reg(4),
		"LAUNCHER_IMAGE_DIGEST=" + launcher, "COMMIT_SHA=" + commit,
	} {
		keep := true
		for _, key := range v.without {
			keep = keep && !strings.HasPrefix(line, key+"=")
		}
		if keep {
			lines = append(lines, line)
		}
	}
	return expecting(t, append(lines, v.policy...)...)
}
