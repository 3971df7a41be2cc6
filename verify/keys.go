package verify

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"gitlauncher/internal/strictjson"
	"gitlauncher/measure"
	"gitlauncher/policy"
)

// keys is the part of check D about who holds the keys of the application and of its
// disk, and so about what may be on that disk.
func (j *judge) keys(boot boot, system booted) {
	c := j.check("D")
	e := boot.event("key-provider")
	if e == nil {
		// Check C has said what is wrong with the log.
		c.undecided("key provider", j.Policy.KeyProvider.String(), "", "no attested key-provider event says who holds the keys of the disk and the application")
		return
	}
	provider, err := parseProvider(e.Payload)
	if err != nil {
		c.notAllowed("key provider", j.Policy.KeyProvider.String(), fmt.Sprintf("%.200q", e.Payload), err.Error())
		return
	}
	j.provider(c, provider, e.Digest, system)
	if kms := boot.event("mr-kms"); kms != nil {
		j.expect(c, "KMS measurement", &j.Policy.MRKMS, hex.EncodeToString(kms.Payload), "another KMS holds the keys", "any KMS could hold the keys")
	} else {
		j.optional(c, "KMS measurement", &j.Policy.MRKMS, "", "")
	}
	j.disk(c, provider, system)
}

// parseProvider reads the payload of dstack's key-provider event.
func parseProvider(payload []byte) (policy.KeyProvider, error) {
	var doc struct {
		Name *string `json:"name"`
		ID   *string `json:"id"`
	}
	if err := strictjson.Unmarshal(payload, &doc); err != nil {
		return policy.KeyProvider{}, fmt.Errorf("the key-provider event: %w", err)
	}
	if doc.Name == nil || doc.ID == nil {
		return policy.KeyProvider{}, errors.New("the key-provider event has no name and id")
	}
	found := policy.KeyProvider{Name: *doc.Name, ID: *doc.ID}
	if id, err := hex.DecodeString(found.ID); err != nil || hex.EncodeToString(id) != found.ID || found.Name == "" || strings.Contains(found.Name, ":") {
		return policy.KeyProvider{}, errors.New("the key-provider event has a name or an id that dstack does not write")
	}
	return found, nil
}

// noProvider is the key provider of a VM whose keys are random in each boot.
var noProvider = policy.KeyProvider{Name: "none"}

// provider judges who holds the keys. The policy can name it, know the event by its
// digest, or expect it together with the system.
func (j *judge) provider(c check, found policy.KeyProvider, digest measure.Register, system booted) {
	const name = "key provider"
	const other = "somebody else than expected holds the keys of the disk and the application"
	byName, byDigest := &j.Policy.KeyProvider, &j.Policy.KeyProviderDigest
	withSystem := policy.Any(system.providers...)
	switch {
	case byName.Given() && !byName.Allows(found.String()):
		c.notAllowed(name, byName.String(), found.String(), other)
	case byDigest.Given() && !byDigest.Allows(digest.String()):
		c.notAllowed(name, "an event of digest "+byDigest.String(), fmt.Sprintf("%s, digest %s", found, digest), other)
	case len(system.providers) > 0 && !withSystem.Allows(digest.String()):
		c.notAllowed(name, "with this system an event of digest "+withSystem.String(), fmt.Sprintf("%s, digest %s", found, digest), other)
	case byName.Given(), byDigest.Given(), len(system.providers) > 0, found == noProvider:
		c.pass(name, found.String())
	default:
		c.undecided(name, "", found.String(), "no KEY_PROVIDER is expected: its holder can read the disk, and has the keys that the application derives", line("KEY_PROVIDER", found.String())...)
	}
}

// disk judges what may have outlived an earlier boot. Docker's own folder is on the data
// disk, and Docker starts the containers of an earlier compose by their restart policy:
// no register shows what they are.
func (j *judge) disk(c check, provider policy.KeyProvider, system booted) {
	const name = "disk"
	const kept = "the same disk in every boot of the instance"
	const why = "what earlier composes of the application left there can run beside the measured one, and no register shows it; so can what a host brings back by putting an older disk in"
	switch {
	case provider == noProvider && system.expected:
		c.pass(name, "its key is random in each boot, so that nothing of an earlier one can be read")
	case j.Policy.PersistentDisk.Given():
		c.note(name, kept, "accepted by PERSISTENT_DISK=accepted: the application's owner and its history of composes are trusted, and that the host puts no older disk in")
		c.accepted("a persistent disk")
	case provider == noProvider:
		c.undecided(name, "", "a key that is random in each boot, if this system encrypts its disk", "only a system that the policy expects is known to encrypt it", "PERSISTENT_DISK=accepted")
	default:
		c.undecided(name, "", kept, why, "PERSISTENT_DISK=accepted")
	}
}
