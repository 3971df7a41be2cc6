package policy

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/measure"
)

// OneOf is a key of which one of several values is expected. The zero value
// expects nothing.
type OneOf[T fmt.Stringer] struct {
	values []T
	given  bool // whether the policy has the key, if only with an empty list
}

// Any expects one of these values. Any() expects that there is none at all.
func Any[T fmt.Stringer](values ...T) OneOf[T] { return OneOf[T]{values, true} }

// Given reports whether the policy has the key.
func (o OneOf[T]) Given() bool { return o.given }

// Values returns the expected values in the order of the policy.
func (o OneOf[T]) Values() []T { return slices.Clone(o.values) }

// Texts returns the expected values as a policy writes them.
func (o OneOf[T]) Texts() []string {
	texts := make([]string, len(o.values))
	for i, v := range o.values {
		texts[i] = v.String()
	}
	return texts
}

// Allows reports whether a value, written as a policy writes it, is expected.
func (o OneOf[T]) Allows(found string) bool { return slices.Contains(o.Texts(), found) }

// String is for people: the values with "or" between them.
func (o OneOf[T]) String() string { return strings.Join(o.Texts(), " or ") }

// Expectation is a field of [Policy], whatever the type of its values.
type Expectation interface {
	Given() bool
	Texts() []string
	Allows(found string) bool
	String() string
}

// Text is a value that is compared byte for byte: a path, an address, a command.
type Text string

func (t Text) String() string { return string(t) }

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

// Nonce is what a receipt was asked for with: 1 to [measure.MaxNonce] bytes.
type Nonce []byte

func (n Nonce) String() string { return hex.EncodeToString(n) }

// TCBStatus is one of Intel's names for how far a platform's updates are.
type TCBStatus string

func (s TCBStatus) String() string { return string(s) }

// TCBStatuses returns the statuses that a policy can allow, from best to worst.
// Revoked is not one of them.
func TCBStatuses() []TCBStatus {
	return []TCBStatus{"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded"}
}

func parseText(v string) (Text, error) { return Text(v), nil }

func parseRegister(v string) (measure.Register, error) {
	return measure.ParseRegister(strings.TrimPrefix(v, "0x"))
}

func parseSHA256(v string) (h SHA256, err error) { return h, hexInto(h[:], v) }

func parseAppID(v string) (a AppID, err error) { return a, hexInto(a[:], v) }

func parseReportData(v string) (r ReportData, err error) { return r, hexInto(r[:], v) }

func parseNonce(v string) (Nonce, error) {
	b, err := hex.DecodeString(v)
	if err != nil || len(b) == 0 || len(b) > measure.MaxNonce {
		return nil, fmt.Errorf("is not hex of 1 to %d bytes", measure.MaxNonce)
	}
	return b, nil
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
