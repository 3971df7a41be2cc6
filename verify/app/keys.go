package app

import (
	"encoding/hex"
	"fmt"

	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/report"
)

// Keys is the part of check D about who holds the keys of the application and of its
// disk, and so about what may be on that disk.
func Keys(c report.Check, log boot.Log, system boot.System) {
	e := log.Event("key-provider")
	if e == nil {
		// Check C has said what is wrong with the log.
		c.Undecided("key provider", c.Policy.KeyProvider.String(), "", "no attested key-provider event says who holds the keys of the disk and the application")
		return
	}
	found, err := boot.ParseKeyProvider(e.Payload)
	if err != nil {
		c.NotAllowed("key provider", c.Policy.KeyProvider.String(), fmt.Sprintf("%.200q", e.Payload), err.Error())
		return
	}
	provider(c, found, e.Extended, system)
	if kms := log.Event("mr-kms"); kms != nil {
		c.Expect("KMS measurement", &c.Policy.MRKMS, hex.EncodeToString(kms.Payload), "another KMS holds the keys", "any KMS could hold the keys")
	} else {
		c.Optional("KMS measurement", &c.Policy.MRKMS, "", "")
	}
	disk(c, found, system)
}

// noProvider is the key provider of a VM whose keys are random in each boot.
var noProvider = policy.KeyProvider{Name: "none"}

// provider judges who holds the keys. The policy can name it, know the event by its
// digest, or expect it together with the system.
func provider(c report.Check, found policy.KeyProvider, digest measure.Register, system boot.System) {
	const name = "key provider"
	const other = "somebody else than expected holds the keys of the disk and the application"
	byName, byDigest := &c.Policy.KeyProvider, &c.Policy.KeyProviderDigest
	withSystem := policy.Any(system.Providers...)
	switch {
	case byName.Given() && !byName.Allows(found.String()):
		c.NotAllowed(name, byName.String(), found.String(), other)
	case byDigest.Given() && !byDigest.Allows(digest.String()):
		c.NotAllowed(name, "an event of digest "+byDigest.String(), fmt.Sprintf("%s, digest %s", found, digest), other)
	case len(system.Providers) > 0 && !withSystem.Allows(digest.String()):
		c.NotAllowed(name, "with this system an event of digest "+withSystem.String(), fmt.Sprintf("%s, digest %s", found, digest), other)
	case byName.Given(), byDigest.Given(), len(system.Providers) > 0, found == noProvider:
		c.Pass(name, found.String())
	default:
		c.Undecided(name, "", found.String(), "no KEY_PROVIDER is expected: its holder can read the disk, and has the keys that the application derives", report.Line("KEY_PROVIDER", found.String())...)
	}
}

// disk judges what may have outlived an earlier boot. Docker's own folder is on the data
// disk, and Docker starts the containers of an earlier compose by their restart policy:
// no register shows what they are.
func disk(c report.Check, provider policy.KeyProvider, system boot.System) {
	const name = "disk"
	const kept = "the same disk in every boot of the instance"
	const why = "what earlier composes of the application left there can run beside the measured one, and no register shows it; so can what a host brings back by putting an older disk in"
	switch {
	case provider == noProvider && system.Expected:
		c.Pass(name, "its key is random in each boot, so that nothing of an earlier one can be read")
	case c.Policy.PersistentDisk.Given():
		c.Note(name, kept, "accepted by PERSISTENT_DISK=accepted: the application's owner and its history of composes are trusted, and that the host puts no older disk in")
		c.Accept("a persistent disk")
	case provider == noProvider:
		c.Undecided(name, "", "a key that is random in each boot, if this system encrypts its disk", "only a system that the policy expects is known to encrypt it", "PERSISTENT_DISK=accepted")
	default:
		c.Undecided(name, "", kept, why, "PERSISTENT_DISK=accepted")
	}
}
