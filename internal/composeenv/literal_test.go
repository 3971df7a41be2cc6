package composeenv_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"gitlauncher/internal/composeenv"
)

// FuzzLiteral: what Literal writes is read as the same text, however odd it is.
func FuzzLiteral(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return // neither is a variable's value
		}
		file := "services:\n  app:\n    environment:\n      BEFORE: x\n      A: " + composeenv.Literal(text, "        ") + "    read_only: true\n"
		values, err := composeenv.Values([]byte(file), "A")
		if err != nil {
			t.Fatalf("%v in\n%s", err, file)
		}
		if got, ok := values["app"]; !ok || got != text {
			t.Errorf("%q reads as %q in\n%s", text, got, file)
		}
	})
}

func TestLiteralIsReadable(t *testing.T) {
	const conf = "REPO_URL=/r\nRUN_CMD=echo $HOME \"x\" # y\n"
	if got, want := composeenv.Literal(conf, "  "), "|\n  REPO_URL=/r\n  RUN_CMD=echo $$HOME \"x\" # y\n"; got != want {
		t.Errorf("%q", got)
	}
	if got, want := composeenv.Literal("a$\u0085b", "  "), `"a$$\u0085b"`+"\n"; got != want {
		t.Errorf("%q", got)
	}
}
