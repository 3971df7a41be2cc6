package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// Fixture returns the path of real evidence or published values, in a folder beside the
// checkout, ../shared/fixtures. Other projects captured or published them, and their
// evidence is not copied into this one:
//
//	near-public-data.json                 near/mpc, crates/test-utils/assets/public_data.json
//	dstack-quote-report.json              Dstack-TEE/dstack, dstack/verifier/fixtures/quote-report.json
//	dstack-quote-report.collateral.json   Phala-Network/dcap-qvl, sample/tdx_quote_outdated_collateral.json
//	dstack-0.6-getquote.json              Dstack-TEE/dstack, dstack/verifier/fixtures/tdx-lite-getquote.json
//
// A machine without the folder says so in CI with REAL_EVIDENCE=none. If the folder is
// there, a missing file is an error.
func Fixture(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(filepath.Dir(module(t)), "shared", "fixtures")
	if _, err := os.Stat(dir); err != nil {
		const why = "no folder of real evidence beside the checkout"
		if os.Getenv("REAL_EVIDENCE") == "none" {
			t.Skip(why + ", and REAL_EVIDENCE=none")
		}
		Skip(t, why)
	}
	file := filepath.Join(dir, name)
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	return file
}

// ReadFixture returns the bytes of a [Fixture].
func ReadFixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(Fixture(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// module returns the module's folder. It looks upwards from the package's, in which the
// tests run.
func module(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	t.Fatalf("the test runs outside the module: %v", err)
	return ""
}
