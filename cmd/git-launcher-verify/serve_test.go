package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkServe prints judgements a second and peak memory of the service, asked by eight
// at a time over connections that stay open, and of the command, started for each.
func BenchmarkServe(b *testing.B) {
	e := launchVM(b)
	b.Run("command", func(b *testing.B) {
		var most float64
		for b.Loop() {
			code, memory, _ := costs(b, "--offline", "--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), "--json", e.file("receipt.json"))
			if code != 0 {
				b.Fatalf("exit code %d", code)
			}
			most = max(most, memory)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "judgements/s")
		b.ReportMetric(most, "peak-MB")
	})
	b.Run("service", func(b *testing.B) {
		policy, err := os.ReadFile(e.file("policy.conf"))
		if err != nil {
			b.Fatal(err)
		}
		collateral, err := os.ReadFile(e.file("collateral.json"))
		if err != nil {
			b.Fatal(err)
		}
		body, err := json.Marshal(map[string]any{"evidence": json.RawMessage(e.receipt), "collateral": json.RawMessage(collateral), "policy": string(policy)})
		if err != nil {
			b.Fatal(err)
		}
		address, stop := serving(b, "--root", e.file("root.pem"))
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
		todo := make(chan struct{})
		var askers sync.WaitGroup
		for range 8 {
			askers.Go(func() {
				for range todo {
					if err := ask(client, "http://"+address+"/v1/verify", body); err != nil {
						b.Error(err)
					}
				}
			})
		}
		b.ResetTimer()
		for range b.N {
			todo <- struct{}{}
		}
		close(todo)
		askers.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "judgements/s")
		b.ReportMetric(stop(), "peak-MB")
	})
}

// ask has the service judge, and requires that it says VERIFIED.
func ask(client *http.Client, url string, body []byte) error {
	resp, err := client.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(text, []byte(`"exit_code": 0`)) {
		return fmt.Errorf("%s %v\n%.200s", resp.Status, err, text)
	}
	return nil
}

// serving starts the service as a process. It returns the address and what ends it, which
// returns the largest resident set in MiB.
func serving(t testing.TB, args ...string) (address string, stop func() float64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{"serve", "--listen", address}, args...)...)
	cmd.Env = append(os.Environ(), asVerifier+"=1")
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceValue(func() (peak float64) {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the service ends with %v", err)
		}
		if _, err := fmt.Sscan(errs.String(), &peak); err != nil {
			t.Errorf("%v: %s", err, errs.String())
		}
		return peak / 1024
	})
	t.Cleanup(func() { stop() })
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get("http://" + address + "/healthz")
		if err == nil {
			resp.Body.Close()
			return address, stop
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestServe: the program answers as a service until a signal ends it, with exit code 0.
func TestServe(t *testing.T) {
	address, stop := serving(t)
	resp, err := http.Post("http://"+address+"/v1/verify", "application/json", strings.NewReader(`{"evidence":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		t.Errorf("no evidence was judged: %s", resp.Status)
	}
	if peak := stop(); peak <= 0 {
		t.Errorf("it took %v MiB", peak)
	}
}
