package verify_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"gitlauncher/measure"
	"gitlauncher/verify/report"
)

// TestEndpoint: whom one talks to follows from the key that the quote binds and the one
// that the peer holds. A receipt that somebody relays is refused, and so is one with an
// exchanged key.
// SECURITY.md: E17.
func TestEndpoint(t *testing.T) {
	nonce := bytes.Repeat([]byte{1}, 16)
	ours, other := measure.KeyHashOf([]byte("ours")), measure.KeyHashOf([]byte("other"))
	socket := func(v *vm) {
		v.compose = strings.Replace(v.compose, "\nvolumes:\n", "\n  signer: {image: example.org/signer, volumes: [\"/var/run/dstack.sock:/var/run/dstack.sock\"]}\nvolumes:\n", 1)
		v.policy = append(v.policy, "ALLOW_COMPOSE=service:signer", "DOCKER_COMPOSE_SHA256="+digestOf([]byte(v.compose)))
	}
	unbound := func(v *vm) { v.policy = append(v.policy, "ENDPOINT=unbound") }
	for name, tc := range map[string]struct {
		key, peer measure.KeyHash
		change    func(*vm)
		code      int
		find      string
		o         report.Outcome
		says      string
	}{
		"the bound key is the peer's":               {ours, ours, nil, 0, "endpoint", report.Pass, "you are talking to this VM, and to nothing else in it than the launch"},
		"though unbound would do":                   {ours, ours, unbound, 0, "endpoint", report.Pass, "you are talking to this VM"},
		"another service has the socket":            {ours, ours, socket, 0, "endpoint", report.Pass, "though perhaps not to this launch, nor to this VM"},
		"an earlier compose may have it":            {ours, ours, func(v *vm) { v.policy = append(v.policy, "PERSISTENT_DISK=accepted") }, 0, "endpoint", report.Pass, "though perhaps not to this launch"},
		"a flaw may let somebody in":                {ours, ours, func(v *vm) { v.policy = append(v.policy, "ACCEPT_ADVISORY=dev-image") }, 0, "endpoint", report.Pass, "though perhaps not to this launch, nor to this VM"},
		"and so may the host's tables":              {ours, ours, func(v *vm) { v.policy = append(v.policy, "ACPI_TABLES=unchecked") }, 0, "endpoint", report.Pass, "though perhaps not to this launch, nor to this VM"},
		"relayed":                                   {ours, other, nil, 4, "endpoint", report.NotAllowed, "the receipt is relayed"},
		"relayed, and unbound would do":             {ours, other, unbound, 4, "endpoint", report.NotAllowed, "the receipt is relayed"},
		"no key is bound":                           {measure.KeyHash{}, ours, nil, 1, "endpoint", report.Undecided, "binds no key"},
		"no key is bound, which is fine":            {measure.KeyHash{}, ours, unbound, 0, "endpoint", report.Note, "which ENDPOINT=unbound accepts"},
		"a receipt that may be old":                 {ours, ours, func(v *vm) { v.policy = nil }, 1, "endpoint", report.Undecided, "--nonce random asks for a fresh one"},
		"any of two nonces, so that none was sent":  {ours, ours, func(v *vm) { v.policy = []string{v.policy[0] + "," + strings.Repeat("02", 16)} }, 1, "endpoint", report.Undecided, "--nonce random asks for a fresh one"},
		"a nonce of 15 bytes, which may be guessed": {ours, ours, func(v *vm) { v.nonce = nonce[1:]; v.policy = []string{"NONCE=" + hex.EncodeToString(v.nonce)} }, 1, "endpoint", report.Undecided, "--nonce random asks for a fresh one"},
		"which is fine":                             {ours, ours, func(v *vm) { v.policy = []string{"ENDPOINT=unbound"} }, 0, "endpoint", report.Note, "a receipt that may be old"},
		"relayed, and old":                          {ours, other, func(v *vm) { v.policy = nil }, 4, "endpoint", report.NotAllowed, "the receipt is relayed"},
		"a file":                                    {ours, measure.KeyHash{}, nil, 0, "bound key", report.Note, "not fetched by its address"},
		"a key that is not in the quote": {ours, ours, func(v *vm) {
			v.report.ReportData = measure.Asked{Nonce: nonce, Key: other}.ReportData(marshal(t, gitRecord()))
		}, 3, "receipt", report.Invalid, "record and key"},
		"a quote that binds none": {ours, ours, func(v *vm) { v.report.ReportData = measure.Asked{Nonce: nonce}.ReportData(marshal(t, gitRecord())) }, 3, "receipt", report.Invalid, "record and key"},
		"a receipt that keeps quiet of one": {measure.KeyHash{}, other, func(v *vm) {
			v.report.ReportData = measure.Asked{Nonce: nonce, Key: ours}.ReportData(marshal(t, gitRecord()))
		}, 3, "receipt", report.Invalid, "record and key"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			v.key, v.peer, v.nonce, v.policy = tc.key, tc.peer, nonce, []string{"NONCE=" + hex.EncodeToString(nonce)}
			if tc.change != nil {
				tc.change(v)
			}
			r := v.judge(t)
			outcome(t, r, tc.code, "E", tc.find, tc.o)
			i := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.Name == tc.find })
			if f := r.Findings[i]; !strings.Contains(f.Found+f.Why, tc.says) {
				t.Errorf("it says %+v", f)
			}
			if tc.code == 1 && !slices.Equal(r.Findings[i].Settle, []string{"ENDPOINT=unbound"}) {
				t.Errorf("it would be settled by %q", r.Findings[i].Settle)
			}
			if pass := slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.Name == "endpoint" && f.Outcome == report.Pass }); pass != (tc.o == report.Pass) {
				t.Errorf("the endpoint passes: %v", pass)
			}
		})
	}
	v := newVM()
	if r := v.judge(t); slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.Name == "endpoint" || f.Name == "bound key" }) {
		t.Error("a file that binds no key has a finding")
	}
}
