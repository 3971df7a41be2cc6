package main

import (
	"context"
	"fmt"
	"time"

	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/quote"
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
	image := len(report.Launches) > 0 && report.Launches[0].Mode == "image"
	if r, err := compose.Judge(ctx, e.AppCompose, compose.Expect{Image: image, Allow: s.policy.AllowCompose.Texts()}); err == nil && r.ImageDigest != "" {
		w.Line("LAUNCHER_IMAGE_DIGEST", r.ImageDigest)
	} else {
		w.Comment("LAUNCHER_IMAGE_DIGEST= (no service of the compose could be told to be the launcher's)")
	}
	launchPolicy(&w, report.Launches)
	_, err = p.stdout.Write(w.Bytes())
	return exitVerified, err
}

// systemPolicy expects the system: by its image where that proves all registers, else
// by their values.
func (s *settings) systemPolicy(w *policy.Writer, e *verify.Evidence, q *quote.Quote) {
	if image, ok := verify.Claimed(e, q, s.systems); ok {
		r, err := verify.System(e, q, []system.Image{image}, s.policy, s.systems)
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

// launchPolicy expects the launches of a report.
func launchPolicy(w *policy.Writer, launches []verify.Launch) {
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
			continue // Judge took it, so it is one
		}
		w.Line("COMMIT_SHA", r.Commit)
		w.Line("REPO_URL", r.RepoURL)
		w.Line("CONFIG_SHA256", r.ConfigSHA256)
		w.Line("CONTENT_SHA256", r.ContentSHA256)
		w.Line("REPO_SUBDIR", r.Subdir)
		if r.Advanced {
			w.Line("RUN_CMD", r.RunCmd)
			w.Line("INSTALL_CMD", r.InstallCmd)
		} else {
			w.Line("ENTRYPOINT_SCRIPT", r.Entrypoint)
		}
	}
}
