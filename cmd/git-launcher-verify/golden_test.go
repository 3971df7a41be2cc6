package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/internal/testenv"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenCase is a command line about real evidence, and its exit code.
type goldenCase struct {
	args []string
	code int
}

func goldens(t *testing.T) map[string]goldenCase {
	near := []string{
		"--offline", "--at", "2026-08-20T00:00:00Z", "--launcher-image-digest", "sha256:5618a93a78c9ac9173e7ebf7c8af173bd675be6832a2f8c2a9a7149ac2678f54",
		"--image-digest", "sha256:564a5aebc33495d5610626d23cb9e3da8e9d531d0edff9e38aa1ccaf059c15d3",
		"--mrtd", "f06dfda6dce1cf904d4e2bab1dc370634cf95cefa2ceb2de2eee127c9382698090d7a4a13e14c536ec6c9c3c8fa87077",
		"--rtmr0", "e673be2f70beefb70b48a6109eed4715d7270d4683b3bf356fa25fafbf1aa76e39e9127e6e688ccda98bdab1d4d47f46",
		"--rtmr1", "b598fde9491427341bc4683b75d10d3e36770af3a36a6954d8b6b7b22aa66358f13e1f172e51b7d6e6710d99a8d8532f",
		"--rtmr2", "c812d42bfff1c75382e91a37c867ab117b97eb5e8d6797488928ea38e5fd38b5ed2f87d9613d392507f1c3af94657c93",
	}
	file := func(name string) string { return testenv.Fixture(t, name) }
	return map[string]goldenCase{
		"near": {append(near, file("near-public-data.json")), 4},
		"near-allowed": {append(near[:7:7], "--os-image", "dstack-dev-0.5.8", "--accept-advisory", "DEV-IMAGE,GHSA-c79w-3x5w-gmm5", "--allow-compose", "service:signer-key-export@sha256:cda8e3f64bde7c90e83bb50472be923c31c0b2cedf40bdcb85718c3414479907", "--collateral", "evidence", "--persistent-disk", "accepted",
			"--key-provider", "local-sgx:6b5ed02e549a1c30aaa8e3171a045f1f449b0017353ef595e78e39c348c98d01", file("near-public-data.json")), 0},
		"near-stale":  {append([]string{"--at", "2026-11-01T00:00:00Z"}, append(near[3:], file("near-public-data.json"))...), 3},
		"dstack":      {[]string{"--at", "2026-02-20T00:00:00Z", "--collateral", file("dstack-quote-report.collateral.json"), file("dstack-quote-report.json")}, 1},
		"dstack-0.6":  {[]string{"--offline", "--at", "2026-08-20T00:00:00Z", "--os-image-hash", "e6f5cfec20c02e7b97baa213d0f718020b55e040172d90ccbcb946d56c8b09db", file("dstack-0.6-getquote.json")}, 1},
		"system-0.6":  {[]string{"system", file("dstack-0.6-getquote.json")}, 0},
		"system-near": {[]string{"system", file("near-public-data.json")}, 0},
		"system-gpu":  {[]string{"system", file("dstack-quote-report.json")}, 1},
	}
}

// TestGolden: the whole verdict on real evidence, as a terminal shows it.
func TestGolden(t *testing.T) {
	for name, tc := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, tc.args...)
			if code != tc.code || errs != "" {
				t.Errorf("exit code %d\n%s%s", code, out, errs)
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), out); d != "" {
				t.Error(d)
			}
		})
	}
}
