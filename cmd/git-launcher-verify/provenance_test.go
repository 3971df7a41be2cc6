package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sigstoreFile is a file of sigstore-go's own module.
func sigstoreFile(t testing.TB, file string) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/sigstore/sigstore-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), file)
}

// TestBundleOfABatch: --provenance FILE is for each evidence of a batch.
func TestBundleOfABatch(t *testing.T) {
	e := launchVM(t)
	code, out, errs := run(t, "--batch", "--offline", "--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), "--provenance-repo", "a/b",
		"--trusted-root", sigstoreFile(t, "pkg/testing/data/trusted-roots/public-good.json"),
		"--provenance", sigstoreFile(t, "pkg/testing/data/bundles/sigstore.js@2.0.0-provenance.sigstore.json"), e.file("receipt.json"))
	if code != 4 || !strings.Contains(out, `"name":"provenance","outcome":"not-allowed"`) {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}
