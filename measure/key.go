package measure

import (
	"encoding/json"
	"errors"

	"gitlauncher/internal/digest"
)

// KeyHash is the SHA-256 of a public key's SubjectPublicKeyInfo in DER. The zero value stands
// for no key.
type KeyHash digest.SHA256

// ParseKeyHash reads 64 lowercase hexadecimal digits.
func ParseKeyHash(text string) (KeyHash, error) {
	d, err := digest.ParseHex(text)
	if err == nil && d.IsZero() {
		err = errors.New("is zero, which no key's hash is")
	}
	return KeyHash(d), err
}

// KeyHashOf hashes a SubjectPublicKeyInfo in DER.
func KeyHashOf(spki []byte) KeyHash { return KeyHash(digest.Of(spki)) }

// String returns the form that [ParseKeyHash] reads, or an empty string for no key.
func (k KeyHash) String() string {
	if k.IsZero() {
		return ""
	}
	return digest.SHA256(k).Hex()
}

// IsZero reports whether k stands for no key.
func (k KeyHash) IsZero() bool { return k == KeyHash{} }

// MarshalJSON writes the hash as [KeyHash.String] does.
func (k KeyHash) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }

// UnmarshalJSON reads a hash as [ParseKeyHash] does. It refuses null: a document without a key
// does not mention one.
func (k *KeyHash) UnmarshalJSON(data []byte) (err error) {
	var text string
	if json.Unmarshal(data, &text) != nil || string(data) == "null" {
		return errors.New("bound_spki_sha256 is not a string")
	}
	if *k, err = ParseKeyHash(text); err != nil {
		return errors.New("bound_spki_sha256 " + err.Error())
	}
	return nil
}
