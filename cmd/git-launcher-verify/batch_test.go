package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/inputs"
)

// BenchmarkBatch prints judgements a second and peak memory for batches of 1 to
// 10,000 receipts.
// SECURITY.md: E8.
func BenchmarkBatch(b *testing.B) {
	e := launchVM(b)
	line := append([]byte(strings.ReplaceAll(strings.TrimSpace(string(e.receipt)), "\n", " ")), '\n')
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				r, w := io.Pipe()
				go func() {
					for range n {
						w.Write(line)
					}
					w.Close()
				}()
				p := &program{files: &inputs.Files{Stdin: r}, stdout: io.Discard, stderr: os.Stderr, now: time.Now}
				if code := p.run(b.Context(), []string{"--batch", "--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), "-"}); code != 0 {
					b.Fatalf("exit code %d", code)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "judgements/s")
			b.ReportMetric(peakMB(b), "peak-MB")
		})
	}
}

// peakMB is this process's largest resident set so far.
func peakMB(b *testing.B) float64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		b.Skip("no /proc to read the peak memory from")
	}
	defer f.Close()
	var kb float64
	for s := bufio.NewScanner(f); s.Scan(); {
		fmt.Sscanf(s.Text(), "VmHWM: %f kB", &kb)
	}
	return kb / 1024
}
