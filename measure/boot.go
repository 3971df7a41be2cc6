package measure

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"
)

// Boot is what a proven log says about the time since the machine started. A log is proven
// if it replays to the register that was read with it.
type Boot struct {
	RTMR3  Register
	Events []Runtime // all of RTMR3's, also dstack's own
	After  []Runtime // those after system-ready: the others are dstack's

	appCompose string // as the same answer has it
}

// Boot proves the log by the register. Errors are *[LogError], [ErrLogMismatch] and
// [ErrNotReady].
func (s State) Boot() (Boot, error) {
	events, err := s.Log.Replay()
	if err == nil && End(events) != s.RTMR3 {
		err = ErrLogMismatch
	}
	if err != nil {
		return Boot{}, err
	}
	after, ready := AfterReady(events)
	if !ready {
		return Boot{}, ErrNotReady
	}
	return Boot{RTMR3: s.RTMR3, Events: events, After: after, appCompose: s.AppCompose}, nil
}

// ReadBoot reads the state until the log replays to the register. That takes a moment while
// another program extends the register. ReadBoot emits nothing. It calls sleep between two
// reads, and sleep returns early with an error when the context ends.
//
// Errors are those of x, those of sleep, [ErrNotReady], and [ErrLogMismatch], which may be
// joined with a *[LogError].
func ReadBoot(ctx context.Context, x Reader, sleep func(context.Context, time.Duration) error) (Boot, error) {
	for try := 1; ; try++ {
		state, err := x.State(ctx)
		if err != nil {
			return Boot{}, err
		}
		boot, err := state.Boot()
		if err == nil || errors.Is(err, ErrNotReady) {
			return boot, err
		}
		if try == settleTries {
			if !errors.Is(err, ErrLogMismatch) {
				err = errors.Join(ErrLogMismatch, err)
			}
			return Boot{}, err
		}
		if err := sleep(ctx, settlePause); err != nil {
			return Boot{}, err
		}
	}
}

// AfterReady returns the events after system-ready, which are the only ones that are not
// dstack's own. ok is false where there is no system-ready.
func AfterReady(events []Runtime) (after []Runtime, ok bool) {
	i := slices.IndexFunc(events, func(e Runtime) bool { return e.Name == EventSystemReady })
	if i < 0 {
		return nil, false
	}
	return events[i+1:], true
}

// ErrCompose says that the guest agent's app-compose is not the one that was measured.
var ErrCompose = errors.New("the guest agent's app-compose is not the measured one")

// AppCompose returns the bytes of the measured app-compose. The guest agent supplies them,
// and dstack's own compose-hash event, which must be there once, has their SHA-256. The
// error is [ErrCompose].
func (b Boot) AppCompose() ([]byte, error) {
	sum, found := sha256.Sum256([]byte(b.appCompose)), 0
	for _, e := range b.Events[:len(b.Events)-len(b.After)] {
		if e.Name != EventComposeHash {
			continue
		}
		if found++; !bytes.Equal(e.Payload, sum[:]) {
			return nil, ErrCompose
		}
	}
	if found != 1 {
		return nil, ErrCompose
	}
	return []byte(b.appCompose), nil
}

// Holds reports whether an event is in the log after system-ready.
func (b Boot) Holds(e Event) bool {
	return slices.ContainsFunc(b.After, func(have Runtime) bool { return have.Equal(e) })
}

// LastRecord returns the launch record of the last launch, of either mode. ok is false
// where nothing was launched.
func (b Boot) LastRecord() (record []byte, ok bool) {
	for _, e := range slices.Backward(b.After) {
		if e.Name == EventLaunch || e.Name == EventImageLaunch {
			return e.Payload, true
		}
	}
	return nil, false
}

// Launched reports whether a container was launched in this boot. containerSHA256 is the
// hash of its description ([Container.SHA256]), and image is name@sha256:….
func (b Boot) Launched(containerSHA256, image string) bool {
	return slices.ContainsFunc(b.After, func(e Runtime) bool {
		if e.Name != EventImageLaunch {
			return false
		}
		r, err := ParseImageRecord(e.Payload)
		return err == nil && r.ContainerSHA256 == containerSHA256 && r.Image+"@"+r.ApprovedDigest == image
	})
}

// ErrOtherImage says that this boot's register has the digest of another image, or that of
// this image more than once. Those who check the event accept it exactly once, so only a
// reboot helps.
var ErrOtherImage = errors.New("this boot's event log holds another " + EventImageDigest)

// OnlyImage requires that the register has at most one mpc-image-digest, and that its
// payload is digest. It looks at all events, since nobody else uses the name. The error is
// [ErrOtherImage].
func (b Boot) OnlyImage(digest []byte) error {
	seen := false
	for _, e := range b.Events {
		if e.Name != EventImageDigest {
			continue
		}
		if seen || !slices.Equal(e.Payload, digest) {
			return ErrOtherImage
		}
		seen = true
	}
	return nil
}
