package measure

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// RuntimeEventType is the type that dstack gives an application's event.
const RuntimeEventType = 0x08000001

// IMR is the index of the register that events extend: RTMR3.
const IMR = 3

// The names of the events that mean something to this package (see the package comment).
const (
	EventCommit      = "git-commit"
	EventLaunch      = "git-launch"
	EventImageDigest = "mpc-image-digest"
	EventImageLaunch = "image-launch"
	EventSystemReady = "system-ready"
	EventComposeHash = "compose-hash"
)

// Register is the value of a runtime measurement register, or a digest that extends one:
// SHA-384, 48 bytes. The zero value is a register after reset.
type Register [sha512.Size384]byte

// String returns 96 lowercase hexadecimal digits.
func (r Register) String() string { return hex.EncodeToString(r[:]) }

// ParseRegister reads 96 hexadecimal digits, of either case.
func ParseRegister(s string) (Register, error) {
	var r Register
	if len(s) != 2*len(r) {
		return Register{}, fmt.Errorf("a register has %d hexadecimal digits, not %d", 2*len(r), len(s))
	}
	if _, err := hex.Decode(r[:], []byte(s)); err != nil {
		return Register{}, fmt.Errorf("register: %w", err)
	}
	return r, nil
}

// Extend returns SHA384(r || digest).
func (r Register) Extend(digest Register) Register {
	h := sha512.New384()
	h.Write(r[:])
	h.Write(digest[:])
	return Register(h.Sum(nil))
}

// Event is a named payload, as the guest agent's EmitEvent takes it.
type Event struct {
	Name    string
	Payload []byte
}

// Equal reports whether both events have the same name and payload.
func (e Event) Equal(other Event) bool {
	return e.Name == other.Name && bytes.Equal(e.Payload, other.Payload)
}

// Digest returns what the event extends a register with in log version 1:
// SHA384(LE32(type) || ":" || name || ":" || payload).
func (e Event) Digest() Register {
	h := sha512.New384()
	var typ [4]byte
	binary.LittleEndian.PutUint32(typ[:], RuntimeEventType)
	h.Write(typ[:])
	h.Write([]byte(":" + e.Name + ":"))
	h.Write(e.Payload)
	return Register(h.Sum(nil))
}

// Preimage returns the bytes that log version 2 hashes: the RFC 8785 JSON of name, payload
// (hex) and type. It fails only on a name that is not UTF-8.
func (e Event) Preimage() ([]byte, error) {
	name, err := jcsString(e.Name)
	if err != nil {
		return nil, fmt.Errorf("event name: %w", err)
	}
	return fmt.Appendf(nil, `{"name":%s,"payload":"%x","type":%d}`, name, e.Payload, RuntimeEventType), nil
}

// DigestV2 returns what the event extends a register with in log version 2:
// SHA384([Event.Preimage]).
func (e Event) DigestV2() (Register, error) {
	preimage, err := e.Preimage()
	if err != nil {
		return Register{}, err
	}
	return sha512.Sum384(preimage), nil
}
