package main

import (
	"context"
	"fmt"
	"strings"

	"gitlauncher/internal/cli"
	"gitlauncher/internal/printable"
	"gitlauncher/measure"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/report"
)

// explain prints what an exception of check D would accept: the line for a policy, and the
// content that the line's hash is of.
func (p *program) explain(ctx context.Context, s *settings) (int, error) {
	e, err := p.evidence(s)
	if err != nil {
		return 0, err
	}
	x, err := compose.Explain(ctx, e.AppCompose, compose.Expect{LauncherDigests: s.policy.LauncherImageDigest.Texts(), Image: s.policy.ImageDigest.Given() || imageLaunch(e)}, s.explained)
	if err != nil {
		return 0, cli.Usagef("--explain %s: %w", printable.Text(s.explained), err)
	}
	if s.json {
		return report.ExitVerified, p.printJSON(map[string]string{"name": x.Name, "allow_compose": x.Bound(), "content": string(x.Content)})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "ALLOW_COMPOSE=%s\n", printable.Text(x.Bound()))
	if x.Content == nil {
		b.WriteString("# what it is can't be bound to the name by a hash\n")
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(x.String(), "\n"), "\n") {
		b.WriteString("  " + printable.Text(line) + "\n")
	}
	_, err = p.stdout.Write([]byte(b.String()))
	return report.ExitVerified, err
}

// imageLaunch reports whether a log, before anything is judged, says that an image was
// launched.
func imageLaunch(e *evidence.Evidence) bool {
	for _, entry := range e.Log {
		if entry.IMR == measure.IMR && entry.Event == measure.EventImageDigest {
			return true
		}
	}
	return false
}
