package policy

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gitlauncher/internal/digest"
	"gitlauncher/measure"
)

// Text is a value that is compared byte for byte: a path, an address, a command.
type Text string

func (t Text) String() string { return string(t) }

// Number is a number that a policy writes in decimal digits.
type Number uint32

func (n Number) String() string { return strconv.FormatUint(uint64(n), 10) }

// SHA256 is a SHA-256 hash. A policy writes it as 64 lowercase hexadecimal digits.
type SHA256 [32]byte

func (h SHA256) String() string { return hex.EncodeToString(h[:]) }

// AppID is dstack's id of an application. A policy writes it as 40 lowercase
// hexadecimal digits.
type AppID [20]byte

func (a AppID) String() string { return hex.EncodeToString(a[:]) }

// ReportData is what a quote was made for. A policy writes it as 128 lowercase
// hexadecimal digits.
type ReportData [64]byte

func (r ReportData) String() string { return hex.EncodeToString(r[:]) }

// Bytes are bytes that a policy writes as lowercase hexadecimal digits.
type Bytes []byte

func (b Bytes) String() string { return hex.EncodeToString(b) }

// System is one system: its four registers and, if it is expected, the digest of
// dstack's key-provider event.
type System struct {
	MRTD, RTMR0, RTMR1, RTMR2 measure.Register
	KeyProviderDigest         measure.Register // zero: not expected
}

func (s System) String() string {
	parts := []string{s.MRTD.String(), s.RTMR0.String(), s.RTMR1.String(), s.RTMR2.String()}
	if s.KeyProviderDigest != (measure.Register{}) {
		parts = append(parts, s.KeyProviderDigest.String())
	}
	return strings.Join(parts, ":")
}

// Setting is a name and its exact value.
type Setting struct{ Name, Value string }

func (s Setting) String() string { return s.Name + "=" + s.Value }

// Exception is something in a compose that is accepted by its name, and by a hash of
// what it is.
type Exception struct {
	Name   string
	SHA256 digest.SHA256 // zero: what it is must be pinned by another key
}

func (e Exception) String() string {
	if e.SHA256.IsZero() {
		return e.Name
	}
	return e.Name + "@" + e.SHA256.String()
}

// KeyProvider says who holds an application's keys, as in dstack's key-provider event.
type KeyProvider struct {
	Name string // none, kms, local-sgx, tpm, …
	ID   string // lowercase hex; empty where the provider has none
}

func (k KeyProvider) String() string {
	if k.ID == "" {
		return k.Name
	}
	return k.Name + ":" + k.ID
}

// TCBStatus is one of Intel's names for how up to date a platform is.
type TCBStatus string

func (s TCBStatus) String() string { return string(s) }

// TCBStatuses returns the statuses that a policy can allow, from best to worst.
// Revoked is not one of them.
func TCBStatuses() []TCBStatus {
	return []TCBStatus{"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"}
}

// ACPITables are the digests of a VM's ACPI tables that a reader accepts: the loader's
// script, the root pointer, the tables. The zero value is "unchecked".
type ACPITables struct {
	Digests *[3]measure.Register // nil: whatever the host made
}

// Unchecked reports whether any tables are accepted.
func (a ACPITables) Unchecked() bool { return a.Digests == nil }

func (a ACPITables) String() string {
	if a.Unchecked() {
		return "unchecked"
	}
	return a.Digests[0].String() + "," + a.Digests[1].String() + "," + a.Digests[2].String()
}

func parseACPITables(v string) (ACPITables, error) {
	if v == "unchecked" {
		return ACPITables{}, nil
	}
	parts := strings.Split(v, ",")
	out := ACPITables{Digests: new([3]measure.Register)}
	if len(parts) != len(out.Digests) {
		return out, errors.New("is neither three SHA-384 digests with commas between them, nor “unchecked”")
	}
	for i, part := range parts {
		var err error
		if out.Digests[i], err = parseRegister(strings.TrimSpace(part)); err != nil {
			return out, err
		}
	}
	return out, nil
}

func parseText(v string) (Text, error) { return Text(v), nil }

// parseWord reads a key that has one possible value.
func parseWord(word string) func(string) (Text, error) {
	return func(v string) (Text, error) {
		if v != word {
			return "", fmt.Errorf("is not %s, the only value that there is", word)
		}
		return Text(v), nil
	}
}

func parseNumber(v string) (Number, error) {
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil || Number(n).String() != v {
		return 0, errors.New("is not a number of decimal digits")
	}
	return Number(n), nil
}

func parseRegister(v string) (measure.Register, error) {
	return measure.ParseRegister(strings.TrimPrefix(v, "0x"))
}

func parseSystem(v string) (System, error) {
	parts := strings.Split(v, ":")
	if len(parts) < 4 || len(parts) > 5 {
		return System{}, errors.New("is not MRTD:RTMR0:RTMR1:RTMR2, or that and :KEY_PROVIDER_DIGEST")
	}
	var s System
	for i, to := range []*measure.Register{&s.MRTD, &s.RTMR0, &s.RTMR1, &s.RTMR2, &s.KeyProviderDigest}[:len(parts)] {
		r, err := parseRegister(parts[i])
		if err != nil {
			return System{}, err
		}
		*to = r
	}
	if len(parts) == 5 && s.KeyProviderDigest == (measure.Register{}) {
		return System{}, errors.New("has a key provider digest of zeros, which no event has")
	}
	return s, nil
}

func parseSHA256(v string) (h SHA256, err error) { return h, hexInto(h[:], v) }

func parseAppID(v string) (a AppID, err error) { return a, hexInto(a[:], v) }

func parseReportData(v string) (r ReportData, err error) { return r, hexInto(r[:], v) }

func parseBytes(least, most int) func(string) (Bytes, error) {
	return func(v string) (Bytes, error) {
		b, err := hex.DecodeString(strings.TrimPrefix(v, "0x"))
		switch {
		case err == nil && least <= len(b) && len(b) <= most:
			return b, nil
		case least == most:
			return nil, fmt.Errorf("is not hex of %d bytes", most)
		}
		return nil, fmt.Errorf("is not hex of %d to %d bytes", least, most)
	}
}

func parseSetting(v string) (Setting, error) {
	name, value, found := strings.Cut(v, "=")
	if !found || name == "" || strings.Trim(name, " ") != name {
		return Setting{}, errors.New("is not NAME=VALUE")
	}
	return Setting{name, value}, nil
}

func parseException(v string) (Exception, error) {
	name, hash, bound := strings.Cut(v, "@")
	if !bound {
		return Exception{Name: v}, nil
	}
	d, err := digest.Parse(hash)
	if name == "" || err != nil || d.IsZero() {
		return Exception{}, errors.New("is not NAME, or NAME@sha256: and 64 lowercase hexadecimal digits")
	}
	return Exception{name, d}, nil
}

func parseKeyProvider(v string) (KeyProvider, error) {
	name, id, has := strings.Cut(v, ":")
	raw, err := hex.DecodeString(strings.TrimPrefix(id, "0x"))
	switch {
	case name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return KeyProvider{}, errors.New("is not the name of a key provider: none, kms:ID, local-sgx:MRENCLAVE, tpm")
	case has && (err != nil || len(raw) == 0):
		return KeyProvider{}, errors.New("has an id that is not hex")
	case !has && slices.Contains([]string{"kms", "local-sgx"}, name):
		return KeyProvider{}, fmt.Errorf("says %s and not which one; anyone can run one, so write %s:ID", name, name)
	}
	return KeyProvider{name, hex.EncodeToString(raw)}, nil
}

func parseTCBStatus(v string) (TCBStatus, error) {
	if s := TCBStatus(v); slices.Contains(TCBStatuses(), s) {
		return s, nil
	}
	return "", fmt.Errorf("is no TCB status that can be allowed: those are %v", TCBStatuses()[1:])
}

// hexInto fills to with hex, which may have 0x before it.
func hexInto(to []byte, v string) error {
	b, err := hex.DecodeString(strings.TrimPrefix(v, "0x"))
	if err != nil || len(b) != len(to) {
		return fmt.Errorf("is not hex of %d bytes", len(to))
	}
	copy(to, b)
	return nil
}
