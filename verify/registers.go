package verify

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/sha3"

	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
)

// registers is check B: the quote's registers against the policy, and the words
// beside the quote against the quote.
func (j *judgement) registers() {
	for _, r := range []struct {
		name    string
		found   measure.Register
		claimed string
	}{
		{"MRTD", j.quote.MRTD, j.evidence.Claims.MRTD},
		{"RTMR0", j.quote.RTMR[0], j.evidence.Claims.RTMR0},
		{"RTMR1", j.quote.RTMR[1], j.evidence.Claims.RTMR1},
		{"RTMR2", j.quote.RTMR[2], j.evidence.Claims.RTMR2},
	} {
		j.expect("B", r.name, r.name, r.found.String(), "another system than the expected one was booted",
			"any TDX host can boot a kernel of its own and replay somebody's log; without "+r.name+" nothing says which system this is")
		if r.claimed != "" && !strings.EqualFold(strings.TrimPrefix(r.claimed, "0x"), r.found.String()) {
			j.add("B", r.name+" in tcb_info", Invalid, r.found.String(), r.claimed, "the evidence contradicts itself: tcb_info has another value than the quote")
		}
	}
}

// expect compares a value with the policy: it passes, is not allowed, or is
// undecided because nobody expects anything.
func (j *judgement) expect(check, name, key, found, other, missing string) {
	switch {
	case !j.Policy.Expects(key):
		j.add(check, name, Undecided, "", found, "no "+key+" is expected: "+missing)
	case j.Policy.match(key, found):
		j.add(check, name, Pass, "", found, "")
	default:
		j.add(check, name, NotAllowed, j.Policy.expected(key), found, other)
	}
}

// mrConfigID holds MRCONFIGID against the compose, where dstack set it.
func (j *judgement) mrConfigID(composeHash []byte) {
	const name = "MRCONFIGID"
	id := j.quote.MRConfigID
	if id == (measure.Register{}) {
		j.add("B", name, Note, "", "zero", "this system does not use it")
		return
	}
	if composeHash == nil {
		j.add("B", name, Undecided, "", id.String(), "there is no compose to hold it against")
		return
	}
	var want measure.Register
	switch id[0] {
	case 1:
		want[0] = 1
		copy(want[1:], composeHash)
	case 2:
		sum, err := j.configIDv2(composeHash)
		if err != nil {
			j.add("B", name, Undecided, "", id.String(), "it can't be computed: "+err.Error())
			return
		}
		want[0] = 2
		copy(want[1:], sum)
	default:
		j.add("B", name, Undecided, "", id.String(), "its form is not known to this program")
		return
	}
	if id != want {
		j.add("B", name, Invalid, want.String(), id.String(), "the VM was started for another compose than the one in its log")
		return
	}
	j.add("B", name, Pass, "", "agrees with the compose", "")
}

// configIDv2 is Keccak256(compose_hash || app_id || kind || key_provider_id).
func (j *judgement) configIDv2(composeHash []byte) ([]byte, error) {
	var c struct {
		KeyProvider   string `json:"key_provider"`
		KeyProviderID string `json:"key_provider_id"`
		KMS           bool   `json:"kms_enabled"`
		Local         bool   `json:"local_key_provider_enabled"`
	}
	if err := strictjson.Unmarshal(j.evidence.AppCompose, &c); err != nil {
		return nil, err
	}
	kind, known := map[string]byte{"": 0, "none": 0, "local": 1, "kms": 2, "tpm": 3}[c.KeyProvider]
	if !known {
		return nil, fmt.Errorf("the key provider %.40q is not known to this program", c.KeyProvider)
	}
	if c.KeyProvider == "" && c.KMS {
		kind = 2
	} else if c.KeyProvider == "" && c.Local {
		kind = 1
	}
	id, err := hex.DecodeString(strings.TrimPrefix(c.KeyProviderID, "0x"))
	if err != nil {
		return nil, err
	}
	appID := make([]byte, 20)
	copy(appID, j.payload("app-id"))
	h := sha3.NewLegacyKeccak256()
	h.Write(bytes.Join([][]byte{composeHash, appID, {kind}, id}, nil))
	return h.Sum(nil), nil
}
