package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlauncher/config"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/launch"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
	"gitlauncher/verify/system"
)

// policyFrom prints a policy that expects just what an evidence holds. Evidence
// that is not even what it claims to be makes none.
func (p *program) policyFrom(ctx context.Context, s *settings) (int, error) {
	e, err := p.evidence(s)
	if err != nil {
		return 0, err
	}
	params, err := p.params(ctx, s)
	if err != nil {
		return 0, err
	}
	if err := newCollateralSource(p, s).add(ctx, e, &params); err != nil {
		p.warn(err)
	}
	report := verify.Judge(ctx, e, params)
	if report.ExitCode == exitInvalid {
		return 0, &invalidError{fmt.Errorf("no policy is made of evidence that is not what it claims to be: %s", firstReason(report))}
	}
	q, err := quote.Parse(e.Quote)
	if err != nil {
		return 0, &invalidError{err}
	}
	var w policy.Writer
	w.Comment(fmt.Sprintf(`TRUST ON FIRST USE. Made from a %s on %s, not from
what anybody knows to be right. Review every line before relying on it: compare the
registers with those of the dstack release you expect, the launcher's digest with a
release of git-launcher, and the commit with the one you audited.`, e.Kind, p.now().UTC().Format(time.RFC3339)))
	if !report.Intel {
		w.Comment("The quote is not under Intel's root: it proves nothing about hardware.")
	}
	s.systemPolicy(&w, e, q)
	s.launcherPolicy(ctx, &w, e, report)
	if err := p.settle(ctx, &w, e, params); err != nil {
		return 0, err
	}
	_, err = p.stdout.Write(w.Bytes())
	return exitVerified, err
}

// launcherPolicy expects the launcher, its compose file and what it launches.
func (s *settings) launcherPolicy(ctx context.Context, w *policy.Writer, e *evidence.Evidence, report *report.Report) {
	image := len(report.Launches) > 0 && report.Launches[0].Mode == "image" || s.policy.ImageDigest.Given()
	r, err := compose.Judge(ctx, e.AppCompose, compose.Expect{Image: image, Allow: s.policy.AllowCompose.Texts()})
	if err != nil {
		r = new(compose.Result)
	}
	if r.ImageDigest != "" {
		w.Line("LAUNCHER_IMAGE_DIGEST", r.ImageDigest)
	} else {
		w.Comment("LAUNCHER_IMAGE_DIGEST= (no service of the compose could be told to be the launcher's)")
	}
	launchPolicy(w, report.Launches, r.Config)
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

// decisions are the keys that nobody writes for a reader: each accepts something, and its
// line is a comment.
var decisions = []string{"ALLOW_COMPOSE", "COLLATERAL", "PERSISTENT_DISK", "ACCEPT_ADVISORY", "ACPI_TABLES", "TCB_STATUS_ALLOWED"}

// settle adds the lines that a verdict by the policy so far would still need.
func (p *program) settle(ctx context.Context, w *policy.Writer, e *evidence.Evidence, params verify.Params) error {
	expected, err := policy.Parse("policy", w.Bytes())
	if err != nil {
		return err
	}
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
		w.Comment("Each of these accepts something that VERIFIED excludes otherwise. Read what the report\nsays of it (--explain NAME shows an exception), and take the # away if it is fine:")
		for _, line := range review {
			w.Comment(line)
		}
	}
	return nil
}

// systemPolicy expects the system: by its image where that proves all registers, else
// by their values.
func (s *settings) systemPolicy(w *policy.Writer, e *evidence.Evidence, q *quote.Quote) {
	if image, ok := boot.Claimed(e, q, s.systems); ok {
		r, err := boot.Derive(e, q, []system.Image{image}, s.policy, s.systems)
		var derivable policy.Writer
		if err == nil && systemPolicy(&derivable, r, s.systems) {
			w.Append(&derivable)
			return
		}
	}
	w.Line("MRTD", q.MRTD.String())
	for i := range 3 {
		w.Line(fmt.Sprintf("RTMR%d", i), q.RTMR[i].String())
	}
}

// launchPolicy expects the launches of a report. text is the config in the compose, by
// which a launch without a record is described.
func launchPolicy(w *policy.Writer, launches []report.Launch, text []byte) {
	if len(launches) == 0 {
		w.Comment("COMMIT_SHA= (the evidence attests no launch)")
	}
	for _, l := range launches {
		if l.Mode == "image" {
			w.Line("IMAGE_DIGEST", l.Image)
			continue
		}
		r, err := measure.ParseGitRecord([]byte(l.Record))
		if err != nil {
			r = planned(text)
		}
		if r == nil {
			continue // Judge took it, so it is one
		}
		w.Line("COMMIT_SHA", r.Commit)
		w.Line("REPO_URL", r.RepoURL)
		w.Line("CONFIG_SHA256", r.ConfigSHA256)
		if r.ContentSHA256 != "" {
			w.Line("CONTENT_SHA256", r.ContentSHA256)
		}
		w.Line("REPO_SUBDIR", r.Subdir)
		if r.Advanced {
			w.Line("RUN_CMD", r.RunCmd)
			w.Line("INSTALL_CMD", r.InstallCmd)
		} else {
			w.Line("ENTRYPOINT_SCRIPT", r.Entrypoint)
		}
	}
}

// planned is what a config would launch; nil where it is none.
func planned(text []byte) *measure.GitRecord {
	cfg, err := config.ParseGit(config.DefaultFile, text)
	if err != nil {
		return nil
	}
	return launch.Planned(cfg, text)
}
