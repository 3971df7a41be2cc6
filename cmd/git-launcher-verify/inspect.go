package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"gitlauncher/internal/printable"
	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
	"gitlauncher/verify"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/quote"
)

// contents is what an evidence holds. Nothing of it was judged.
type contents struct {
	Kind        verify.Kind       `json:"evidence"`
	Quote       map[string]string `json:"quote"`
	Events      []event           `json:"rtmr3_events"`
	Compose     string            `json:"app_compose,omitempty"`
	ComposeHash string            `json:"compose_hash,omitempty"`
	Collateral  bool              `json:"has_collateral"`
	Provenance  bool              `json:"has_provenance"`
}

type event struct {
	Name    string `json:"name"`
	Payload string `json:"payload"` // hex
	Text    string `json:"text,omitempty"`
}

// inspect prints what is in an evidence.
func (p *program) inspect(s *settings) error {
	e, err := p.evidence(s)
	if err != nil {
		return err
	}
	q, err := quote.Parse(e.Quote)
	if err != nil {
		return &invalidError{err}
	}
	c := contents{Kind: e.Kind, Compose: string(e.AppCompose), Collateral: e.Collateral != nil, Provenance: e.Provenance != nil}
	c.Quote = map[string]string{
		"version": fmt.Sprint(q.Version), "fmspc": q.FMSPC(), "tee_tcb_svn": hex.EncodeToString(q.TEETCBSVN[:]), "td_attributes": hex.EncodeToString(q.TDAttributes[:]),
		"mrtd": q.MRTD.String(), "mrconfigid": q.MRConfigID.String(), "report_data": hex.EncodeToString(q.ReportData[:]),
		"rtmr0": q.RTMR[0].String(), "rtmr1": q.RTMR[1].String(), "rtmr2": q.RTMR[2].String(), "rtmr3": q.RTMR[3].String(),
	}
	if e.AppCompose != nil {
		sum := sha256.Sum256(e.AppCompose)
		c.ComposeHash = hex.EncodeToString(sum[:])
	}
	for _, entry := range e.Log {
		if entry.IMR == measure.IMR {
			c.Events = append(c.Events, event{entry.Event, entry.Payload, textOf(entry.Payload)})
		}
	}
	if s.json {
		return p.printJSON(c)
	}
	_, err = io.WriteString(p.stdout, c.text())
	return err
}

// textOf shows a payload that is text.
func textOf(payload string) string {
	b, err := hex.DecodeString(payload)
	if err != nil || len(b) == 0 || printable.Text(string(b)) != string(b) {
		return ""
	}
	return string(b)
}

// text is for people.
func (c *contents) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s. NOTHING BELOW WAS JUDGED.\n\nquote\n", c.Kind)
	for _, key := range []string{"version", "fmspc", "tee_tcb_svn", "td_attributes", "mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3", "mrconfigid", "report_data"} {
		fmt.Fprintf(&b, "  %-14s %s\n", key, c.Quote[key])
	}
	fmt.Fprintln(&b, "\nRTMR3's events")
	for _, e := range c.Events {
		shown := printable.Text(e.Payload)
		if e.Text != "" {
			shown = e.Text
		}
		fmt.Fprintf(&b, "  %-18s %s\n", printable.Text(e.Name), shown)
	}
	fmt.Fprintf(&b, "\ncollateral %v, provenance %v\n", c.Collateral, c.Provenance)
	if c.Compose == "" {
		fmt.Fprintln(&b, "no app-compose")
		return b.String()
	}
	fmt.Fprintf(&b, "\napp-compose, SHA-256 %s\n", c.ComposeHash)
	var app struct {
		File string `json:"docker_compose_file"`
	}
	text := c.Compose
	if strictjson.Unmarshal([]byte(c.Compose), &app) == nil && app.File != "" {
		text = app.File
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintln(&b, "  "+printable.Text(line))
	}
	return b.String()
}

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
	var b strings.Builder
	out := func(key, v string) {
		line := key + "=" + v
		if again, err := verify.ParsePolicy("", []byte(line)); printable.Text(v) != v || err != nil || !slices.Equal(again.Of(key), []string{v}) {
			line = "# " + key + ": what the evidence has can't stand in a policy: " + printable.Text(v)
		}
		fmt.Fprintln(&b, line)
	}
	fmt.Fprintf(&b, `# TRUST ON FIRST USE. Made from a %s on %s, not from
# what anybody knows to be right. Review every line before relying on it: compare the
# registers with those of the dstack release you expect, the launcher's digest with a
# release of git-launcher, and the commit with the one you audited.
`, e.Kind, p.now().UTC().Format(time.RFC3339))
	if !report.Intel {
		fmt.Fprintln(&b, "# The quote is not under Intel's root: it proves nothing about hardware.")
	}
	out("MRTD", q.MRTD.String())
	for i := range 3 {
		out(fmt.Sprintf("RTMR%d", i), q.RTMR[i].String())
	}
	image := len(report.Launches) > 0 && report.Launches[0].Mode == "image"
	if r, err := compose.Judge(ctx, e.AppCompose, compose.Expect{Image: image, Allow: s.policy.Of("ALLOW_COMPOSE")}); err == nil && r.ImageDigest != "" {
		out("LAUNCHER_IMAGE_DIGEST", r.ImageDigest)
	} else {
		fmt.Fprintln(&b, "# LAUNCHER_IMAGE_DIGEST= (no service of the compose could be told to be the launcher's)")
	}
	launchPolicy(&b, report.Launches, out)
	_, err = io.WriteString(p.stdout, b.String())
	return exitVerified, err
}

// launchPolicy expects the launches of a report.
func launchPolicy(b *strings.Builder, launches []verify.Launch, out func(key, v string)) {
	if len(launches) == 0 {
		fmt.Fprintln(b, "# COMMIT_SHA= (the evidence attests no launch)")
	}
	for _, l := range launches {
		if l.Mode == "image" {
			out("IMAGE_DIGEST", l.Image)
			continue
		}
		r, err := measure.ParseGitRecord([]byte(l.Record))
		if err != nil {
			continue // Judge took it, so it is one
		}
		out("COMMIT_SHA", r.Commit)
		out("REPO_URL", r.RepoURL)
		out("CONFIG_SHA256", r.ConfigSHA256)
		out("CONTENT_SHA256", r.ContentSHA256)
		out("REPO_SUBDIR", r.Subdir)
		if r.Advanced {
			out("RUN_CMD", r.RunCmd)
			out("INSTALL_CMD", r.InstallCmd)
		} else {
			out("ENTRYPOINT_SCRIPT", r.Entrypoint)
		}
	}
}
