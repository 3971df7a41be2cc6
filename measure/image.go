package measure

import (
	"bytes"
	"errors"
)

// ErrOtherImage says that this boot's register holds the digest of another image,
// or of this one more than once. Those who check the event accept it exactly once
// (events.md), so only a reboot helps.
var ErrOtherImage = errors.New("this boot's event log holds another " + EventImageDigest)

// OnlyImage demands that a replayed log holds no mpc-image-digest but at most one
// with this payload. It looks at all events: the name is nobody else's.
func OnlyImage(events []Runtime, digest []byte) error {
	seen := false
	for _, e := range events {
		if e.Name != EventImageDigest {
			continue
		}
		if seen || !bytes.Equal(e.Payload, digest) {
			return ErrOtherImage
		}
		seen = true
	}
	return nil
}
