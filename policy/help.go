package policy

import (
	"fmt"
	"strings"
)

// Markdown returns the keys as the table that VERIFY.md has. Its third column says what
// several values of a key mean.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| key | value | several | expects |\n|---|---|---|---|\n")
	for _, k := range Keys() {
		form, several := k.Form, "one of"
		if k.List && !k.Once {
			form += "[,…]"
		}
		switch {
		case k.Once:
			several = "-"
		case k.All:
			several = "all"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", k.Name, form, several, k.Help)
	}
	return b.String()
}
