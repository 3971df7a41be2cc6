package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/inputs"
	"gitlauncher/internal/testenv"
	"gitlauncher/measure"
	"gitlauncher/verify/evidence"
)

// asVerifier makes the test's own binary the program, so that its memory can be measured.
const asVerifier = "GIT_LAUNCHER_VERIFY_ITSELF"

func TestMain(m *testing.M) {
	if os.Getenv(asVerifier) != "" {
		debug.SetMemoryLimit(maxMemory)
		p := &program{files: &inputs.Files{Stdin: os.Stdin}, stdout: os.Stdout, stderr: io.Discard, now: time.Now}
		code := p.run(context.Background(), os.Args[1:])
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			panic(err)
		}
		_, peak, _ := strings.Cut(string(status), "VmHWM:")
		fmt.Fprint(os.Stderr, strings.Fields(peak)[0]) // KiB
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// worst returns evidence that costs as much as evidence of a size can.
func worst(t testing.TB, size int) map[string]func(w io.Writer) {
	e := launchVM(t)
	var good measure.Receipt
	if err := json.Unmarshal(e.receipt, &good); err != nil {
		t.Fatal(err)
	}
	filled := func(head, unit, tail string) func(io.Writer) {
		return func(w io.Writer) {
			n := max(size-len(head)-len(tail), 0) / len(unit)
			io.WriteString(w, head)
			for range n {
				io.WriteString(w, unit)
			}
			io.WriteString(w, tail)
		}
	}
	// with is the good receipt with another log, compose or collateral in it.
	with := func(change func(r *measure.Receipt)) func(io.Writer) {
		r := good
		change(&r)
		data, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return func(w io.Writer) { w.Write(data) }
	}
	logOf := func(unit func(i int) string, n int) func(r *measure.Receipt) {
		return func(r *measure.Receipt) {
			var b strings.Builder
			b.WriteString(strings.TrimSuffix(strings.TrimSpace(r.EventLog), "]"))
			for i := range n {
				b.WriteString("," + unit(i))
			}
			r.EventLog = b.String() + "]"
		}
	}
	app := func(file string) func(io.Writer) { // measured, so that it is judged
		e := launchFile(t, file, "x")
		return func(w io.Writer) { w.Write(e.receipt) }
	}
	crl := revocations(t, size/400)
	return map[string]func(io.Writer){
		"a log of empty objects": filled(`{"quote":"00","event_log":"[`, "{},", `{}]"}`),
		"a log of events": with(logOf(func(i int) string {
			return fmt.Sprintf(`{"imr":3,"event_type":134217729,"digest":"","event":"e%d","event_payload":""}`, i)
		}, size/120)),
		"a log of payloads": with(logOf(func(int) string {
			return `{"imr":3,"event_type":134217729,"digest":"","event":"e","event_payload":"` + strings.Repeat("00", 1<<20) + `"}`
		}, size>>22)),
		"a log of launches": with(logOf(func(i int) string {
			return fmt.Sprintf(`{"imr":3,"event_type":134217729,"digest":"","event":"git-commit","event_payload":"%040x"}`, i)
		}, size/160)),
		"keys": func(w io.Writer) {
			io.WriteString(w, "{")
			for i := range size / 12 {
				fmt.Fprintf(w, `"k%d":0,`, i)
			}
			io.WriteString(w, `"x":0}`)
		},
		"keys that look alike":     filled(`{"quote":"00","event_log":"[]",`, `"x":0,`, `"y":0}`),
		"brackets":                 filled(``, `[`, ``),
		"objects in objects":       filled(``, `{"a":`, ``),
		"a string":                 filled(`{"quote":"`, `0`, `","event_log":"[]"}`),
		"escapes":                  filled(`{"quote":"`, `\u0030`, `","event_log":"[]"}`),
		"a quote of numbers":       filled(`{"tee_participant_info":{"Dstack":{"quote":[`, `1,`, `1],"tcb_info":{}}}}`),
		"certificates":             filled(`{"tcb_info":{},"app_certificates":[`, `{},`, `{}]}`),
		"tcb_info within tcb_info": filled(`{"app_certificates":[{"quote":"00"}],"tcb_info":"`, `\\`, `"}`),
		"a list of collateral":     filled(`{"quote":"00","event_log":"[]","collateral":{"tcb_info":"{}","qe_identity":"{}","tcb_info_signature":"00","qe_identity_signature":"00","pck_crl":"00","root_ca_crl":[`, `1,`, `1]}}`),
		"a revocation list": with(func(r *measure.Receipt) {
			r.Collateral = json.RawMessage(`{"tcb_info":"{}","qe_identity":"{}","tcb_info_signature":"00","qe_identity_signature":"00","pck_crl":"00","root_ca_crl":"` + crl + `"}`)
		}),
		"a bundle": with(func(r *measure.Receipt) {
			r.Provenance = json.RawMessage(`{"a":[` + strings.Repeat("{},", size/4) + `{}]}`)
		}),
		"a compose of lists":         app("services: {a: {image: x, ports: [" + strings.Repeat("[],", 300_000) + "]}}"),
		"a compose of services":      app("services: {" + strings.Repeat("a: {},", 100_000) + "}"),
		"a compose of anchors":       app("a: &a [" + strings.Repeat("x,", 1000) + "]\nservices:\n  b:\n    image: x\n    x-y: [" + strings.Repeat("*a,", 50_000) + "]\n"),
		"a compose of a long scalar": app("services: {a: {image: \"" + strings.Repeat("x", 900_000) + "\"}}"),
		"no JSON":                    filled(``, "\x00", ``),
		"blanks":                     filled(``, ` `, `{}`),
		"base64":                     func(w io.Writer) { w.Write([]byte(base64.StdEncoding.EncodeToString(make([]byte, size/4*3)))) },
		"hex":                        func(w io.Writer) { w.Write([]byte(hex.EncodeToString(make([]byte, size/2)))) },
	}
}

// maxBatch bounds the memory of a batch, in MiB: one evidence is being judged while the
// next is read.
const maxBatch = 96

// TestWorstEvidence: no evidence takes more than 64 MiB, and a batch is bounded, too. Each
// takes a second of a processor at most, which the log shows; a machine with neighbours
// may take longer, and what takes three seconds is no neighbour's fault.
// SECURITY.md: E8.
func TestWorstEvidence(t *testing.T) {
	if testing.Short() {
		testenv.Skip(t, "starts a program for each of many files")
	}
	dir := t.TempDir()
	all, err := os.Create(filepath.Join(dir, "all.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	e := launchVM(t)
	flags := []string{"--offline", "--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), "--json"}
	try := func(name string, data []byte) {
		file := filepath.Join(dir, "worst.json")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		size := float64(len(data)) / (1 << 20)
		code, memory, cpu := costs(t, append(flags, file)...)
		t.Logf("%-28s %5.1f MiB: exit code %d, %5.1f MiB, %v", name, size, code, memory, cpu.Round(time.Millisecond))
		if memory > 64 || cpu > 3*time.Second || code == 0 {
			t.Errorf("%s of %.1f MiB: exit code %d, %.1f MiB, %v", name, size, code, memory, cpu)
		}
	}
	for name, write := range worst(t, evidence.MaxSize-4096) {
		var data bytes.Buffer
		write(&data)
		try(name, data.Bytes())
		all.Write(append(bytes.ReplaceAll(data.Bytes(), []byte("\n"), []byte(" ")), '\n'))
	}
	try("too large", []byte(`{"quote":"00","event_log":"[`+strings.Repeat("{},", 16<<20/3)+`{}]"}`))
	code, memory, cpu := costs(t, append([]string{"--batch"}, append(flags[:len(flags)-1], all.Name())...)...)
	t.Logf("all in one batch: exit code %d, %.1f MiB, %v", code, memory, cpu)
	if memory > maxBatch || code != 3 {
		t.Errorf("a batch of all: exit code %d, %.1f MiB", code, memory)
	}
}

// revocations is a list of that many certificates, as hex.
func revocations(t testing.TB, n int) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	list := &x509.RevocationList{Number: big.NewInt(1), NextUpdate: time.Now()}
	for i := range n {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(int64(i)), RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, &x509.Certificate{SubjectKeyId: []byte{1}, KeyUsage: x509.KeyUsageCRLSign}, key)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(der)
}

// costs runs the program and returns its exit code, its largest resident set in MiB, and
// the time that it took of a processor.
func costs(t testing.TB, args ...string) (code int, memory float64, cpu time.Duration) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asVerifier+"=1")
	var errs strings.Builder
	cmd.Stderr = &errs
	_ = cmd.Run() // most of it is refused
	var peak float64
	if _, err := fmt.Sscan(errs.String(), &peak); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	return cmd.ProcessState.ExitCode(), peak / 1024, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
