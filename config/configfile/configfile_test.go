package configfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gitlauncher/config"
)

// TestFind: there is one config, or none.
// SECURITY.md: H3.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	byDefault, named, absent := filepath.Join(dir, "default"), filepath.Join(dir, "named"), filepath.Join(dir, "absent")
	if err := errors.Join(os.WriteFile(byDefault, []byte("A=1\n"), 0o600), os.WriteFile(named, []byte("A=2\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	in := func(text string) *string { return &text }
	for _, c := range []struct {
		name, explicit, byDefault string
		variable                  *string
		from, text                string
		two, notFound             bool
	}{
		{name: "the default file", byDefault: byDefault, from: byDefault, text: "A=1\n"},
		{name: "a named file", explicit: named, byDefault: byDefault, from: named, text: "A=2\n"},
		{name: "a named file that is not there", explicit: absent, byDefault: byDefault, notFound: true},
		{name: "none at all", byDefault: absent, notFound: true},
		{name: "the variable", byDefault: absent, variable: in("A=3\n"), from: config.ConfigVariable, text: "A=3\n"},
		{name: "the variable, empty", byDefault: absent, variable: in(""), from: config.ConfigVariable},
		{name: "the variable beside the same file", byDefault: byDefault, variable: in("A=1\n"), from: config.ConfigVariable, text: "A=1\n"},
		{name: "the variable beside another file", byDefault: byDefault, variable: in("A=1"), two: true},
		{name: "the empty variable beside a file", byDefault: byDefault, variable: in(""), two: true},
		{name: "the variable beside a named file", explicit: named, byDefault: absent, variable: in("A=2\n"), two: true},
		{name: "the variable beside a named file that is not there", explicit: absent, byDefault: absent, variable: in("A=2\n"), two: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			name, data, err := find(c.explicit, c.byDefault, func(n string) (string, bool) {
				if c.variable == nil || n != config.ConfigVariable {
					return "", false
				}
				return *c.variable, true
			})
			var two *TwoError
			var none *NotFoundError
			if errors.As(err, &two) != c.two || errors.As(err, &none) != c.notFound || (err != nil) != (c.two || c.notFound) {
				t.Fatalf("%v", err)
			}
			if err == nil && name != c.from || string(data) != c.text {
				t.Errorf("%q from %s", data, name)
			}
		})
	}
	var refused *config.Error
	if _, _, err := find("", dir, func(string) (string, bool) { return "A=1\n", true }); !errors.As(err, &refused) {
		t.Errorf("the variable beside something that is no file: %v", err)
	}
}
