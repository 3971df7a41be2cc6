package policydraft

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlauncher/policy"
	"gitlauncher/verify"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
	"gitlauncher/verify/system"
)

// Of returns a policy that expects exactly what the evidence holds. params is what the
// evidence was judged by, and judged is the result. The caller has made sure that the
// evidence is at least what it claims to be.
func Of(ctx context.Context, e *evidence.Evidence, params verify.Params, judged *report.Report, now time.Time) ([]byte, error) {
	q, err := quote.Parse(e.Quote)
	if err != nil {
		return nil, err
	}
	var w policy.Writer
	w.Comment(fmt.Sprintf(`TRUST ON FIRST USE. Made from a %s on %s, not from
what anybody knows to be right. Review every line before relying on it: compare the
registers with those of the dstack release you expect, the launcher's digest with a
release of git-launcher, and the commit with the one you audited.`, e.Kind, now.UTC().Format(time.RFC3339)))
	if !judged.Intel {
		w.Comment("The quote is not under Intel's root: it proves nothing about hardware.")
	}
	expectSystem(&w, e, q, params)
	expectLauncher(ctx, &w, e, params.Policy, judged.Launches)
	if err := settle(ctx, &w, e, params); err != nil {
		return nil, err
	}
	return w.Bytes(), nil
}

// expectLauncher expects the launcher, its compose file and what it launches.
func expectLauncher(ctx context.Context, w *policy.Writer, e *evidence.Evidence, by *policy.Policy, launches []report.Launch) {
	image := len(launches) > 0 && launches[0].Mode == "image" || by.ImageDigest.Given()
	r, err := compose.Judge(ctx, e.AppCompose, compose.Expect{Image: image, Allow: by.AllowCompose.Texts()})
	if err != nil {
		r = new(compose.Result)
	}
	if r.ImageDigest != "" {
		w.Line("LAUNCHER_IMAGE_DIGEST", r.ImageDigest)
	} else {
		w.Comment("LAUNCHER_IMAGE_DIGEST= (no service of the compose could be told to be the launcher's)")
	}
	expectLaunches(w, launches, r.Config)
	if r.DockerComposeSHA256 == "" {
		return
	}
	w.Line("DOCKER_COMPOSE_SHA256", r.DockerComposeSHA256)
	for _, name := range r.AllowedEnvs {
		w.Line("ALLOWED_ENVS", name)
	}
	if len(r.AllowedEnvs) == 0 {
		w.None("ALLOWED_ENVS")
	}
}

// decisions are the keys that only a reader may write: each accepts something, so its
// line is a comment.
var decisions = []string{"ALLOW_COMPOSE", "COLLATERAL", "PERSISTENT_DISK", "ACCEPT_ADVISORY", "ACPI_TABLES", "TCB_STATUS_ALLOWED", "ENDPOINT"}

// settle adds the lines that a verdict by the policy as written so far would still
// need.
func settle(ctx context.Context, w *policy.Writer, e *evidence.Evidence, params verify.Params) error {
	expected, err := policy.Parse("policy", w.Bytes())
	if err != nil {
		return err
	}
	expected.Nonce = params.Policy.Nonce // it is of this question, and no line of the policy
	params.Policy = expected
	var review []string
	written := make(map[string]bool)
	for _, f := range verify.Judge(ctx, e, params).Findings {
		lines := f.Settle
		if f.Outcome == report.NotAllowed && f.Accept != "" {
			lines = []string{"ALLOW_COMPOSE=" + f.Accept}
		}
		for _, line := range lines {
			key, value, _ := strings.Cut(line, "=")
			switch {
			case written[line]:
			case slices.Contains(decisions, key):
				review = append(review, line)
			default:
				w.Line(key, value)
			}
			written[line] = true
		}
	}
	if len(review) > 0 {
		w.Comment("Each of these accepts something that VERIFIED excludes otherwise. Read what the report\nsays of it (--explain NAME shows an exception), and remove the # if it is fine:")
		for _, line := range review {
			w.Comment(line)
		}
	}
	return nil
}

// expectSystem expects the system: by its image if that proves all registers, else by
// their values.
func expectSystem(w *policy.Writer, e *evidence.Evidence, q *quote.Quote, params verify.Params) {
	if image, ok := boot.Claimed(e, q, params.Systems); ok {
		r, err := boot.Derive(e, q, []system.Image{image}, params.Policy, params.Systems)
		var derivable policy.Writer
		if err == nil && System(&derivable, r, params.Systems) {
			w.Append(&derivable)
			return
		}
	}
	w.Line("MRTD", q.MRTD.String())
	for i := range 3 {
		w.Line(fmt.Sprintf("RTMR%d", i), q.RTMR[i].String())
	}
}
