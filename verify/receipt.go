package verify

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"

	"gitlauncher/measure"
	"gitlauncher/verify/quote"
)

// freshness judges the quote's report data. It says when the quote was made, and
// nothing about what ran: any process with the socket can ask for such a quote.
func (j *judge) freshness(q *quote.Quote, boot boot, launched launched, app app) {
	const name = "report data"
	c, want := j.check("E"), &j.Policy.ReportData
	found := hex.EncodeToString(q.ReportData[:])
	if claimed := j.evidence.Claims.ReportData; claimed != "" && !strings.EqualFold(strings.TrimRight(strings.TrimPrefix(claimed, "0x"), "0"), strings.TrimRight(found, "0")) {
		c.invalid("report data beside the quote", found, claimed, "the evidence contradicts itself")
	}
	j.optional(c, name, want, found, "the quote was made for something else")
	nonce := &j.Policy.Nonce
	switch {
	case j.evidence.Receipt != nil:
		j.receipt(c, q, boot, launched, app)
	case nonce.Given():
		c.notAllowed("nonce", nonce.String(), "", "only a launch receipt holds a nonce; ask for “git-launcher receipt --nonce HEX”")
	case !want.Given():
		c.note(name, found, "shown, not judged")
	}
}

// receipt holds a receipt's nonce and record against the quote and the register.
func (j *judge) receipt(c check, q *quote.Quote, boot boot, launched launched, app app) {
	const name = "receipt"
	r := j.evidence.Receipt
	nonce, err := hex.DecodeString(r.Nonce)
	if err != nil {
		c.invalid("nonce", "hex", r.Nonce, "the receipt's nonce is not hex")
		return
	}
	want := measure.ReportData(nonce, []byte(r.Record))
	if !bytes.Equal(want[:], q.ReportData[:]) {
		c.invalid(name, hex.EncodeToString(want[:]), hex.EncodeToString(q.ReportData[:]), "the quote was not made for this receipt's nonce and record")
		return
	}
	switch {
	case slices.ContainsFunc(launched.records, func(l record) bool { return l.raw != nil && string(l.raw) == r.Record }):
		c.pass(name, "the quote is over its nonce and record, and the record is in the register")
	case len(launched.records) == 0 && j.pins(app):
		if err := j.samePlan(app, r.Record); err != nil {
			c.notAllowed(name, "a record of the launch that is pinned", "", err.Error())
		} else {
			c.pass(name, "the quote is over its nonce and record. The record proves nothing here; the measured compose does")
		}
	case len(boot.events) > 0:
		c.invalid(name, "a record of the attested log", "", "the receipt's record is not in the register: nothing says that it was launched")
	}
	if j.Policy.Nonce.Given() {
		j.expect(c, "nonce", &j.Policy.Nonce, hex.EncodeToString(nonce), "the receipt is not the one that was asked for; it may be old", "")
	} else {
		c.note("nonce", show(hex.EncodeToString(nonce)), "no NONCE is expected: how fresh the receipt is was not judged")
	}
}
