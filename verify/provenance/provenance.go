// Package provenance says who may have built an image, and who did: what check F
// (VERIFY.md) expects and finds. Package bundle, below it, judges bundles; a verifier
// without check F need not link that.
package provenance

import (
	"fmt"
	"strings"
)

// MaxSize is the largest bundle that is read, in bytes: 1 MiB. GitHub's have some ten
// KiB.
const MaxSize = 1 << 20

// Expect says who may have built the image.
type Expect struct {
	Repos     []string // owner/name or https://github.com/owner/name
	Workflows []string // path of the workflow file in that repository; empty: any
}

// String names the repositories and workflows, for people.
func (e Expect) String() string {
	s := strings.Join(e.Repos, " or ")
	if len(e.Workflows) > 0 {
		s += ", workflow " + strings.Join(e.Workflows, " or ")
	}
	return s
}

// Build says who built the image, as the certificate has it.
type Build struct {
	Repo, Commit, Workflow, Run string
}

// String returns one line for people.
func (b Build) String() string {
	return fmt.Sprintf("built from %s at %s by %s", b.Repo, b.Commit, b.Workflow)
}
