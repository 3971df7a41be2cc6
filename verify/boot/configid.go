package boot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/sha3"

	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
)

// ConfigID compares MRCONFIGID, if dstack set it, with the hash of the measured
// compose. Without such a hash it adds nothing: check D has said why.
func (l Log) ConfigID(c report.Check, q *quote.Quote, appCompose, composeHash []byte) {
	const name = "MRCONFIGID"
	id := q.MRConfigID
	if id == (measure.Register{}) {
		c.Note(name, "zero", "this system does not use it")
		return
	}
	if composeHash == nil {
		if appCompose == nil {
			c.Undecided(name, "", id.String(), "there is no compose to compare it with")
		}
		return
	}
	var want measure.Register
	switch id[0] {
	case 1:
		want[0] = 1
		copy(want[1:], composeHash)
	case 2:
		sum, err := l.configIDv2(appCompose, composeHash)
		if err != nil {
			c.Undecided(name, "", id.String(), "it can't be computed: "+err.Error())
			return
		}
		want[0] = 2
		copy(want[1:], sum)
	case 3:
		l.configIDv3(c, id, composeHash)
		return
	default:
		c.Undecided(name, "", id.String(), "its form is not known to this program")
		return
	}
	if id != want {
		c.Invalid(name, want.String(), id.String(), "the VM was started for another compose than the one in its log")
		return
	}
	c.Pass(name, "agrees with the compose")
}

// configIDv2 returns Keccak256(compose_hash || app_id || kind || key_provider_id).
func (l Log) configIDv2(appCompose, composeHash []byte) ([]byte, error) {
	var c struct {
		KeyProvider   string `json:"key_provider"`
		KeyProviderID string `json:"key_provider_id"`
		KMS           bool   `json:"kms_enabled"`
		Local         bool   `json:"local_key_provider_enabled"`
	}
	if err := strictjson.Unmarshal(appCompose, &c); err != nil {
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
	copy(appID, l.Payload("app-id"))
	h := sha3.NewLegacyKeccak256()
	h.Write(bytes.Join([][]byte{composeHash, appID, {kind}, id}, nil))
	return h.Sum(nil), nil
}

// configIDv3 looks for the document that a MRCONFIGID of version 3 is a hash of. The
// document has optional parts, and dstack's VMM does not hand it out with the quote, so
// configIDv3 tries each document that the log and the compose allow.
func (l Log) configIDv3(c report.Check, id measure.Register, composeHash []byte) {
	const name = "MRCONFIGID"
	parts, err := l.configParts(composeHash)
	if err != nil {
		c.Undecided(name, "", id.String(), "it can't be computed: "+err.Error())
		return
	}
	for _, document := range documents(parts) {
		h := sha256.Sum256(append([]byte("dstack-mr-config-v3:\x00"), document...))
		want := measure.Register{3}
		copy(want[1:], h[:])
		if id == want {
			c.Pass(name, "agrees with the compose")
			return
		}
	}
	c.Invalid(name, "the hash of a document of this compose, application and key provider", id.String(), "the VM was started for another compose, application or key provider than those in its log")
}

// configPart is a member of the document.
type configPart struct {
	optional bool
	text     string
}

// maxScripts bounds the init scripts of a document. An application has a few.
const maxScripts = 64

// configParts returns the members that the document may have according to the log, in
// the order of keys of RFC 8785.
func (l Log) configParts(composeHash []byte) (parts []configPart, err error) {
	provider := l.Event("key-provider")
	if provider == nil {
		return nil, errors.New("there is no attested key-provider event")
	}
	found, err := ParseKeyProvider(provider.Payload)
	if err != nil {
		return nil, err
	}
	scripts := []string{}
	for _, sum := range l.InitScripts() {
		scripts = append(scripts, fmt.Sprintf(`"%x"`, sum))
	}
	if len(scripts) > maxScripts {
		return nil, fmt.Errorf("there are more than %d init scripts", maxScripts)
	}
	kind := found.Name
	if kind == "local-sgx" {
		kind = "local" // the document's word for it
	}
	must := func(text string) { parts = append(parts, configPart{false, text}) }
	may := func(key string, value []byte) {
		if len(value) > 0 {
			parts = append(parts, configPart{true, fmt.Sprintf(`"%s":"%x"`, key, value)})
		}
	}
	may("app_id", l.Payload("app-id"))
	must(fmt.Sprintf(`"compose_hash":"%x"`, composeHash))
	may("gpu_policy_hash", l.Payload("gpu-policy-hash"))
	parts = append(parts, configPart{true, `"init_script_hashes":[` + strings.Join(scripts, ",") + `]`})
	may("instance_id", l.Payload("instance-id"))
	must(`"key_provider":"` + kind + `"`)
	if id, err := hex.DecodeString(found.ID); err == nil {
		may("key_provider_id", id)
	}
	must(`"version":3`)
	return parts, nil
}

// documents returns every object that has all of the required parts and any of the
// optional ones.
func documents(parts []configPart) []string {
	docs := []string{""}
	for _, p := range parts {
		var next []string
		for _, d := range docs {
			if p.optional {
				next = append(next, d)
			}
			next = append(next, strings.TrimPrefix(d+","+p.text, ","))
		}
		docs = next
	}
	for i := range docs {
		docs[i] = "{" + docs[i] + "}"
	}
	return docs
}
