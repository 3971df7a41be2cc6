package digest

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const digits = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	d, err := Parse("sha256:" + digits)
	if err != nil || d != Of(nil) || d.Hex() != digits || d.String() != "sha256:"+digits {
		t.Errorf("%v, %v", d, err)
	}
	if d, err := ParseHex(digits); err != nil || d != Of(nil) {
		t.Errorf("%v, %v", d, err)
	}
	for name, s := range map[string]string{
		"empty": "", "no prefix": digits, "another algorithm": "sha512:" + digits, "prefix in capitals": "SHA256:" + digits,
		"capitals": "sha256:" + strings.ToUpper(digits), "short": "sha256:" + digits[1:], "long": "sha256:" + digits + "0",
		"a blank": "sha256: " + digits[1:], "a newline": "sha256:" + digits + "\n", "not hex": "sha256:" + digits[1:] + "g",
	} {
		if _, err := Parse(s); err == nil || !strings.Contains(err.Error(), "is not sha256:") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !(SHA256{}).IsZero() || d.IsZero() {
		t.Error("the zero value stands for none, and no other does")
	}
	for _, s := range []string{"", digits[2:], strings.ToUpper(digits), "0x" + digits[2:], "sha256:" + digits} {
		if _, err := ParseHex(s); err == nil {
			t.Errorf("%q is taken for 64 digits", s)
		}
	}
}
