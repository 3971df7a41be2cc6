package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"gitlauncher/internal/inputs"
	"gitlauncher/internal/printable"
	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
)

// contents is what an evidence holds. Nothing of it was judged.
type contents struct {
	Kind        evidence.Kind     `json:"evidence"`
	Quote       map[string]string `json:"quote"`
	BoundKey    string            `json:"bound_spki_sha256,omitempty"`
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
func (p *program) inspect(_ context.Context, s *settings) error {
	e, err := p.evidence(s)
	if err != nil {
		return err
	}
	q, err := quote.Parse(e.Quote)
	if err != nil {
		return &inputs.InvalidError{Err: err}
	}
	c := contents{Kind: e.Kind, Compose: string(e.AppCompose), Collateral: e.Collateral != nil, Provenance: e.Provenance != nil}
	c.Quote = map[string]string{
		"version": fmt.Sprint(q.Version), "fmspc": q.FMSPC(), "tee_tcb_svn": hex.EncodeToString(q.TEETCBSVN[:]), "td_attributes": hex.EncodeToString(q.TDAttributes[:]),
		"mrtd": q.MRTD.String(), "mrconfigid": q.MRConfigID.String(), "report_data": hex.EncodeToString(q.ReportData[:]),
		"rtmr0": q.RTMR[0].String(), "rtmr1": q.RTMR[1].String(), "rtmr2": q.RTMR[2].String(), "rtmr3": q.RTMR[3].String(),
	}
	if e.Receipt != nil {
		c.BoundKey = e.Receipt.Key.String()
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
	if c.BoundKey != "" {
		fmt.Fprintf(&b, "\nbound key %s\n", c.BoundKey)
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
