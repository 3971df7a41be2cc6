package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"gitlauncher/internal/schematest"
)

// TestSchema: every golden report fits the schema that the program prints, and so does each
// of a simulated VM, whole and in a batch, whatever its verdict.
func TestSchema(t *testing.T) {
	code, text, errs := run(t, "schema")
	if code != 0 || errs != "" {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	schema := schematest.Compile(t, []byte(text))
	verdicts := make(map[string]bool)
	fits := func(t *testing.T, report string) {
		t.Helper()
		doc := schematest.Document(t, []byte(report))
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%v\n%s", err, report)
			return
		}
		verdicts[doc.(map[string]any)["verdict"].(string)] = true
	}

	e := launchVM(t)
	forged := e.file("forged.json")
	if err := os.WriteFile(forged, []byte(strings.Replace(string(e.receipt), "storage-fs", "storage-FS", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	root, collateral, receipt := "--root="+e.file("root.pem"), "--collateral="+e.file("collateral.json"), e.file("receipt.json")
	for _, args := range [][]string{
		{root, collateral, "--policy", e.file("policy.conf"), receipt}, {root, collateral, receipt}, {root, "--offline", "--policy", e.file("policy.conf"), receipt}, {"--offline", receipt}, {root, collateral, forged},
		{root, collateral, "--policy", e.file("policy.conf"), "--commit-sha", strings.Repeat("2", 40), receipt},
	} {
		_, out, _ := run(t, append(args, "--json")...)
		fits(t, out)
		_, out, _ = run(t, append(args, "--batch")...)
		var line struct{ Report json.RawMessage }
		if err := json.Unmarshal([]byte(out), &line); err != nil {
			t.Fatal(err)
		}
		fits(t, string(line.Report))
	}
	for _, word := range []string{"VERIFIED UNDER A ROOT THAT IS NOT INTEL'S", "UNDECIDED", "NOT VERIFIED"} {
		if !verdicts[word] {
			t.Errorf("no report was %s", word)
		}
	}
	for name, tc := range goldens(t) {
		if !strings.HasPrefix(name, "system") {
			_, out, _ := run(t, append(tc.args, "--json")...)
			fits(t, out)
		}
	}
	if !verdicts["VERIFIED"] {
		t.Error("no report was VERIFIED")
	}
}
