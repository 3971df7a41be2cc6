package main

import (
	"bytes"
	"os"
	"regexp"
	"testing"
)

// TestUpToDate: LICENSES names what is linked now. `make licenses` writes it anew.
func TestUpToDate(t *testing.T) {
	want, err := list("../..")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../LICENSES")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("LICENSES is not what is linked; run `make licenses`")
	}
	// Copyleft would ask more of us than a list.
	if m := regexp.MustCompile(`(?i)GNU (AFFERO |LESSER )?GENERAL PUBLIC LICENSE\s+Version`).Find(want); m != nil {
		t.Errorf("something linked is under the %s", m)
	}
}
