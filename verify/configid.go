package verify

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/sha3"

	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
	"gitlauncher/verify/quote"
)

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
