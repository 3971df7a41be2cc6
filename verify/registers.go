package verify

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/sha3"

	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/quote"
)

// registers is check B: the quote's registers against the policy, and the words
// beside the quote against the quote.
func (j *judge) registers(q *quote.Quote) {
	c := j.check("B")
	for _, r := range []struct {
		name    string
		want    policy.Expectation
		found   measure.Register
		claimed string
	}{
		{"MRTD", &j.Policy.MRTD, q.MRTD, j.evidence.Claims.MRTD},
		{"RTMR0", &j.Policy.RTMR0, q.RTMR[0], j.evidence.Claims.RTMR0},
		{"RTMR1", &j.Policy.RTMR1, q.RTMR[1], j.evidence.Claims.RTMR1},
		{"RTMR2", &j.Policy.RTMR2, q.RTMR[2], j.evidence.Claims.RTMR2},
	} {
		j.expect(c, r.name, r.want, r.found.String(), "another system than the expected one was booted",
			"any TDX host can boot a kernel of its own and replay somebody's log; without "+r.name+" nothing says which system this is")
		if r.claimed != "" && !strings.EqualFold(strings.TrimPrefix(r.claimed, "0x"), r.found.String()) {
			c.invalid(r.name+" in tcb_info", r.found.String(), r.claimed, "the evidence contradicts itself: tcb_info has another value than the quote")
		}
	}
}

// configID holds MRCONFIGID against the hash of the measured compose, where dstack
// set it. Without such a hash, check D has said why.
func (j *judge) configID(q *quote.Quote, boot boot, composeHash []byte) {
	const name = "MRCONFIGID"
	c, id := j.check("B"), q.MRConfigID
	if id == (measure.Register{}) {
		c.note(name, "zero", "this system does not use it")
		return
	}
	if composeHash == nil {
		if j.evidence.AppCompose == nil {
			c.undecided(name, "", id.String(), "there is no compose to hold it against")
		}
		return
	}
	var want measure.Register
	switch id[0] {
	case 1:
		want[0] = 1
		copy(want[1:], composeHash)
	case 2:
		sum, err := j.configIDv2(boot, composeHash)
		if err != nil {
			c.undecided(name, "", id.String(), "it can't be computed: "+err.Error())
			return
		}
		want[0] = 2
		copy(want[1:], sum)
	default:
		c.undecided(name, "", id.String(), "its form is not known to this program")
		return
	}
	if id != want {
		c.invalid(name, want.String(), id.String(), "the VM was started for another compose than the one in its log")
		return
	}
	c.pass(name, "agrees with the compose")
}

// configIDv2 is Keccak256(compose_hash || app_id || kind || key_provider_id).
func (j *judge) configIDv2(boot boot, composeHash []byte) ([]byte, error) {
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
	copy(appID, boot.payload("app-id"))
	h := sha3.NewLegacyKeccak256()
	h.Write(bytes.Join([][]byte{composeHash, appID, {kind}, id}, nil))
	return h.Sum(nil), nil
}
