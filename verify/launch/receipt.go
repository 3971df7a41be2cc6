package launch

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"

	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
)

// Freshness judges the quote's report data. It says when the quote was made, and
// nothing about what ran: any process with the socket can ask for such a quote.
func (p Params) Freshness(c report.Check, q *quote.Quote) {
	const name = "report data"
	want := &c.Policy.ReportData
	found := hex.EncodeToString(q.ReportData[:])
	if claimed := p.Evidence.Claims.ReportData; claimed != "" && !strings.EqualFold(strings.TrimRight(strings.TrimPrefix(claimed, "0x"), "0"), strings.TrimRight(found, "0")) {
		c.Invalid("report data beside the quote", found, claimed, "the evidence contradicts itself")
	}
	c.Optional(name, want, found, "the quote was made for something else")
	nonce := &c.Policy.Nonce
	if r := p.Evidence.Receipt; r != nil {
		if p.receipt(c, q) {
			p.endpoint(c, r.Key)
		}
		return
	}
	p.endpoint(c, measure.KeyHash{})
	switch {
	case nonce.Given() && asked(nonce, found):
		c.Pass("nonce", "the quote was made for it: it is the report data")
	case nonce.Given():
		c.NotAllowed("nonce", nonce.String(), found, "the quote was not made for the nonce: it is not the report data, and only a launch receipt holds one otherwise; ask for “git-launcher receipt --nonce HEX”")
	case !want.Given():
		c.Note(name, found, "shown, not judged")
	}
}

// minNonce is the shortest nonce, as hex, that report data can answer: zeros follow it,
// and quotes for nothing or for a few bytes of somebody else are common.
const minNonce = 2 * 16

// asked reports whether report data, as hex, is one of the nonces, followed by zeros. A
// guest agent that is asked for a quote by its address makes such a one.
func asked(nonce *policy.OneOf[policy.Bytes], found string) bool {
	return slices.ContainsFunc(nonce.Texts(), func(n string) bool {
		return len(n) >= minNonce && n+strings.Repeat("0", len(found)-len(n)) == found
	})
}

// receipt compares a receipt's nonce, record and key with the quote, and its record with the
// register. It reports whether the quote is over them.
func (p Params) receipt(c report.Check, q *quote.Quote) bool {
	const name = "receipt"
	r := p.Evidence.Receipt
	nonce, err := hex.DecodeString(r.Nonce)
	if err != nil {
		c.Invalid("nonce", "hex", r.Nonce, "the receipt's nonce is not hex")
		return false
	}
	want := measure.Asked{Nonce: nonce, Key: r.Key}.ReportData([]byte(r.Record))
	if !bytes.Equal(want[:], q.ReportData[:]) {
		c.Invalid(name, hex.EncodeToString(want[:]), hex.EncodeToString(q.ReportData[:]), "the quote was not made for this receipt's nonce, record and key")
		return false
	}
	switch {
	case slices.ContainsFunc(p.Records, func(l boot.Record) bool { return l.Raw != nil && string(l.Raw) == r.Record }):
		c.Pass(name, "the quote is over its nonce and record, and the record is in the register")
	case len(p.Records) == 0 && p.pins(c.Policy):
		if err := p.samePlan(r.Record); err != nil {
			c.NotAllowed(name, "a record of the launch that is pinned", "", err.Error())
		} else {
			c.Pass(name, "the quote is over its nonce and record. The record proves nothing here; the measured compose does")
		}
	case len(p.Log.Events) > 0:
		c.Invalid(name, "a record of the attested log", "", "the receipt's record is not in the register: nothing says that it was launched")
	}
	if c.Policy.Nonce.Given() {
		c.Expect("nonce", &c.Policy.Nonce, hex.EncodeToString(nonce), "the receipt is not the one that was asked for; it may be old", "")
	} else {
		c.Note("nonce", show(hex.EncodeToString(nonce)), "no NONCE is expected: how fresh the receipt is was not judged")
	}
	return true
}
