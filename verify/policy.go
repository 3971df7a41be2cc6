package verify

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
	"gitlauncher/measure"
	"gitlauncher/verify/quote"
)

// Policy is what a reader expects. Each list means "one of"; an empty list
// expects nothing. Hex is lowercase.
type Policy struct {
	values map[string][]string // by key of Keys, normalised
	given  map[string]bool     // also where the list is empty
}

// keyType is how a key's values are read.
type keyType struct {
	list  bool // comma-separated
	parse func(string) (string, error)
}

// Keys are the keys of a policy, in the order of evidence.md; each is a flag, too.
func Keys() []string {
	return []string{
		"MRTD", "RTMR0", "RTMR1", "RTMR2", "LAUNCHER_IMAGE_DIGEST", "COMMIT_SHA", "IMAGE_DIGEST",
		"REPO_URL", "REPO_SUBDIR", "ENTRYPOINT_SCRIPT", "RUN_CMD", "INSTALL_CMD", "CONFIG_SHA256", "TREE", "CONTENT_SHA256",
		"ENTRYPOINT_SHA256", "COMPOSE_HASH", "OS_IMAGE_HASH", "APP_ID", "TCB_STATUS_ALLOWED", "ALLOWED_ENVS", "ALLOW_COMPOSE",
		"PROVENANCE_REPO", "PROVENANCE_WORKFLOW", "NONCE", "REPORT_DATA",
	}
}

func typeOf(key string) keyType {
	switch key {
	case "MRTD", "RTMR0", "RTMR1", "RTMR2":
		return keyType{true, func(v string) (string, error) {
			r, err := measure.ParseRegister(strings.TrimPrefix(v, "0x"))
			return r.String(), err
		}}
	case "LAUNCHER_IMAGE_DIGEST", "IMAGE_DIGEST":
		return keyType{true, func(v string) (string, error) {
			bare, ok := strings.CutPrefix(v, "sha256:")
			if _, err := hexOf(32, bare); !ok || err != nil || strings.ToLower(bare) != bare {
				return "", errors.New("is not sha256: and 64 lowercase hexadecimal digits")
			}
			return v, nil
		}}
	case "COMMIT_SHA", "TREE":
		return keyType{true, func(v string) (string, error) {
			id, err := object.ParseID(v)
			return id.String(), err
		}}
	case "CONFIG_SHA256", "CONTENT_SHA256", "ENTRYPOINT_SHA256", "COMPOSE_HASH", "OS_IMAGE_HASH":
		return hexKey(32)
	case "APP_ID":
		return hexKey(20)
	case "REPORT_DATA":
		return hexKey(64)
	case "NONCE":
		return keyType{true, func(v string) (string, error) {
			b, err := hex.DecodeString(v)
			if err != nil || len(b) == 0 || len(b) > measure.MaxNonce {
				return "", fmt.Errorf("is not hex of 1 to %d bytes", measure.MaxNonce)
			}
			return hex.EncodeToString(b), nil
		}}
	case "TCB_STATUS_ALLOWED":
		return keyType{true, func(v string) (string, error) {
			if !slices.Contains(quote.Statuses(), quote.Status(v)) || quote.Status(v) == quote.Revoked {
				return "", fmt.Errorf("is no TCB status that can be allowed: those are %v", quote.Statuses()[1:len(quote.Statuses())-1])
			}
			return v, nil
		}}
	case "ALLOWED_ENVS", "ALLOW_COMPOSE":
		return keyType{true, func(v string) (string, error) { return v, nil }}
	}
	return keyType{false, func(v string) (string, error) { return v, nil }}
}

func hexKey(n int) keyType {
	return keyType{true, func(v string) (string, error) { return hexOf(n, v) }}
}

func hexOf(n int, v string) (string, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(v, "0x"))
	if err != nil || len(b) != n {
		return "", fmt.Errorf("is not hex of %d bytes", n)
	}
	return hex.EncodeToString(b), nil
}

// ParsePolicy reads a policy file, in the launcher's own grammar; a key may
// repeat. Errors are *config.Error.
func ParsePolicy(file string, data []byte) (*Policy, error) {
	p := new(Policy)
	return p, p.Read(file, data)
}

// Read adds a policy file to what is expected already.
func (p *Policy) Read(file string, data []byte) error {
	entries, err := config.Grammar{Keys: Keys(), Repeat: true}.Lines(file, data)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := p.Add(e.Key, e.Value); err != nil {
			return &config.Error{File: file, Line: e.Line, Key: e.Key, Reason: err.Error()}
		}
	}
	return nil
}

// Add adds one value, or a comma list where the key takes one, as a line or a
// flag gives it.
func (p *Policy) Add(key, value string) error {
	if !slices.Contains(Keys(), key) {
		return errors.New("is not a policy key")
	}
	if p.values == nil {
		p.values, p.given = make(map[string][]string), make(map[string]bool)
	}
	t := typeOf(key)
	parts := []string{value}
	if t.list {
		parts = strings.Split(value, ",")
	}
	if t.list && value == "" {
		if key != "ALLOWED_ENVS" { // no variable at all is an expectation
			return errors.New("is empty")
		}
		parts = nil
	}
	for _, part := range parts {
		v, err := t.parse(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		if t.list && v == "" {
			return errors.New("has an empty value in its list")
		}
		p.values[key] = append(p.values[key], v)
	}
	p.given[key] = true
	return nil
}

// Of gives what is expected of a key: any of these. Empty: nothing is expected.
func (p *Policy) Of(key string) []string { return p.values[key] }

// Expects reports whether the policy has the key.
func (p *Policy) Expects(key string) bool { return p.given[key] }

// match compares one value with what a key expects.
func (p *Policy) match(key, found string) bool { return slices.Contains(p.values[key], found) }

// expected is what a key expects, for people.
func (p *Policy) expected(key string) string { return strings.Join(p.values[key], " or ") }
