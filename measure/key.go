package measure

import (
	"encoding/json"
	"errors"

	"gitlauncher/internal/digest"
)

// KeyHash is the SHA-256 of a public key, as its SubjectPublicKeyInfo in DER. The zero value
// stands for none.
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

// String returns the form that [ParseKeyHash] reads; nothing for none.
func (k KeyHash) String() string {
	if k.IsZero() {
		return ""
	}
	return digest.SHA256(k).Hex()
}

// IsZero reports whether k stands for none.
func (k KeyHash) IsZero() bool { return k == KeyHash{} }

// MarshalJSON writes a string.
func (k KeyHash) MarshalJSON() ([]byte, error) { return json.Marshal(k.String()) }

// UnmarshalJSON reads a string, and refuses null: a document has a key or says nothing of it.
func (k *KeyHash) UnmarshalJSON(data []byte) (err error) {
	var text string
	if json.Unmarshal(data, &text) != nil || string(data) == "null" {
		return errors.New("bound_spki_sha256 is no string")
	}
	if *k, err = ParseKeyHash(text); err != nil {
		return errors.New("bound_spki_sha256 " + err.Error())
	}
	return nil
}
