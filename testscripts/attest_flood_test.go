package testscripts

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gitlauncher/internal/gittest"
	"gitlauncher/measure"
)

// flooded is how many strangers ask at once.
const flooded = 1000

// TestAttestFlood: a thousand requests at once, beside a workload that runs. Each is
// answered with a receipt for its own nonce, or told to come again; the workload
// continues, the register is what it was, and the next stranger is answered.
// SECURITY.md: A1.
func TestAttestFlood(t *testing.T) {
	bin := programs(t)
	f := &flood{guest: guest{TB: t}, dir: t.TempDir()}
	f.socket = filepath.Join(f.dir, "dstack.sock")
	f.reboot()
	t.Cleanup(func() { f.shutdown() })
	beats := f.launch(t, bin)
	before := f.events()
	url, attest := f.attest(t, bin)

	began := time.Now()
	var all sync.WaitGroup
	statuses := make(chan string, flooded)
	for n := range flooded {
		all.Go(func() { statuses <- ask(url, n) })
	}
	all.Wait()
	took := time.Since(began)
	close(statuses)
	count := make(map[string]int)
	for s := range statuses {
		count[s]++
	}
	if count["200"] == 0 || count["429"] == 0 || count["200"]+count["429"]+count["503"] != flooded {
		t.Errorf("the answers were %v", count)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", attest.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	t.Logf("%d at once: %d receipts and %d refusals in %s, %.0f a second; attest's memory was at most %s",
		flooded, count["200"], flooded-count["200"], took.Round(time.Millisecond), flooded/took.Seconds(), strings.Join(strings.Fields(peak)[:2], " "))

	for range 3 { // three lines: what was buffered, and then new ones
		if !beats.Scan() {
			t.Fatal("the workload has ended")
		}
	}
	if after := f.events(); after != before {
		t.Errorf("the register holds %q, and held %q", after, before)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if ask(url, flooded) == "200" {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the next stranger is not answered")
		}
	}
}

// flood is a deployment with attest: a guest agent, a workload, and a folder that both
// share.
type flood struct {
	guest
	dir string
}

// launch launches a workload that keeps running, and returns its output: one line,
// again and again.
func (f *flood) launch(t *testing.T, bin string) *bufio.Scanner {
	t.Helper()
	repo, err := gittest.NewRepo(filepath.Join(f.dir, "workload.git"))
	if err != nil {
		t.Fatal(err)
	}
	head, err := repo.Commit("main", "workload", gittest.File{Path: "entrypoint.sh", Content: "while echo works; do sleep 0.01; done\n"})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(f.dir, "config.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, "REPO_URL=%s\nCOMMIT_SHA=%s\nWORK_DIR=%s\n", repo.Dir, head, filepath.Join(f.dir, "vol", "work")), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := start(t, exec.Command(filepath.Join(bin, "git-launcher"), "--dstack-endpoint", f.socket, "--receipt", f.left(), config))
	beats := bufio.NewScanner(out)
	if !beats.Scan() {
		t.Fatal("the workload does not run")
	}
	return beats
}

func (f *flood) left() string { return filepath.Join(f.dir, "evidence", "receipt.json") }

// attest starts attest, and returns the address of receipts.
func (f *flood) attest(t *testing.T, bin string) (url string, p *os.Process) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "git-launcher"), "attest", "--listen", "127.0.0.1:0", "--dstack-endpoint", f.socket, "--receipt", f.left())
	_, log := start(t, cmd)
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if _, address, found := strings.Cut(lines.Text(), " address="); found {
			go io.Copy(io.Discard, log)
			return "http://" + strings.Fields(address)[0] + "/receipt?nonce=", cmd.Process
		}
	}
	t.Fatal("attest does not start")
	return "", nil
}

// start starts a program that ends with the test.
func start(t *testing.T, cmd *exec.Cmd) (stdout, stderr io.Reader) {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if stderr, err = cmd.StderrPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	return stdout, stderr
}

// ask asks with the nth nonce, on a new connection, and returns the status. A receipt
// for another nonce does not count.
func ask(url string, n int) string {
	nonce := fmt.Sprintf("%064x", n)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Minute}
	resp, err := client.Get(url + nonce)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err.Error()
	case resp.StatusCode == http.StatusOK:
		r, err := measure.ParseReceipt(body)
		if err != nil || r.Nonce != nonce {
			return "a receipt for another nonce"
		}
		want, err := hex.DecodeString(nonce)
		if data := (measure.Asked{Nonce: want}).ReportData([]byte(r.Record)); err != nil || r.ReportData != hex.EncodeToString(data[:]) {
			return "a receipt over something else"
		}
	case resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") == "":
		return "429 without Retry-After"
	}
	return fmt.Sprint(resp.StatusCode)
}
