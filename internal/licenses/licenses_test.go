package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestUpToDate: THIRD-PARTY-LICENSES names what is linked now, each text once.
func TestUpToDate(t *testing.T) {
	want, err := list("../..")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../THIRD-PARTY-LICENSES")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("THIRD-PARTY-LICENSES is not what is linked; run `make licenses`")
	}
	// Copyleft would ask more of us than a list.
	if m := regexp.MustCompile(`(?i)GNU (AFFERO |LESSER )?GENERAL PUBLIC LICENSE\s+Version`).Find(want); m != nil {
		t.Errorf("something linked is under the %s", m)
	}
}

// TestOnce: a text that several modules have is printed once, below the names and the
// copyright lines of all of them.
func TestOnce(t *testing.T) {
	var texts []text
	for _, m := range []struct{ name, licence string }{
		{"one", "MIT\r\n\r\nCopyright (c) 2001 One\r\n\r\nDo as\r\nyou like.\r\n"},
		{"two", "MIT\nCopyright 2002 Two. All rights reserved.\n\nDo as you like.\n"},
		{"three", "Do as you are told. Copyright holders are not liable.\n"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "LICENSE"), []byte(m.licence), 0o600); err != nil {
			t.Fatal(err)
		}
		var err error
		if texts, err = collect(texts, m.name, dir); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := collect(nil, "four", t.TempDir()); err == nil {
		t.Error("a module without a licence is taken")
	}
	want := []text{
		{"MIT\n\n\nDo as\nyou like.", []string{"one: LICENSE\n    Copyright (c) 2001 One", "two: LICENSE\n    Copyright 2002 Two. All rights reserved."}},
		{"Do as you are told. Copyright holders are not liable.", []string{"three: LICENSE"}},
	}
	if diff := cmp.Diff(want, texts, cmp.AllowUnexported(text{})); diff != "" {
		t.Error(diff)
	}
}
