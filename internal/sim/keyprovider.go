package sim

import (
	"crypto/ecdh"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// KeyProvider says who holds the keys of the disk and of the app.
type KeyProvider struct {
	Name string // none, local-sgx, kms or tpm; the zero value is none
	ID   string // hex; empty for the one that follows from the seed
}

// The names of key providers, as dstack writes them.
const (
	noProvider   = "none"
	localSGX     = "local-sgx"
	kmsProvider  = "kms"
	tpmProvider  = "tpm"
	providerList = "none, local-sgx, kms, tpm"
)

// ParseKeyProvider reads NAME or NAME:ID, where ID is hex.
func ParseKeyProvider(s string) (KeyProvider, error) {
	name, id, hasID := strings.Cut(s, ":")
	p := KeyProvider{Name: name, ID: strings.ToLower(id)}
	if !slices.Contains([]string{noProvider, localSGX, kmsProvider, tpmProvider}, name) {
		return KeyProvider{}, fmt.Errorf("key provider %q is none of %s", name, providerList)
	}
	if !hasID {
		return p, nil
	}
	if name == noProvider {
		return KeyProvider{}, fmt.Errorf("the key provider none has no id")
	}
	if b, err := hex.DecodeString(id); err != nil || len(b) == 0 {
		return KeyProvider{}, fmt.Errorf("the key provider's id %.100q is not hex", id)
	}
	return p, nil
}

// providerID returns the key provider's id: the enclave's measurement for local-sgx,
// the root's public key (SubjectPublicKeyInfo) for a KMS, nothing for the others.
func (m *Machine) providerID() string {
	switch p := m.opts.KeyProvider; {
	case p.ID != "":
		return p.ID
	case p.Name == localSGX:
		return hex.EncodeToString(m.seeded("key-provider"))
	case p.Name == kmsProvider:
		return hex.EncodeToString(m.kmsRoot())
	}
	return ""
}

// kmsRoot returns a P-256 public key that follows from the seed.
func (m *Machine) kmsRoot() []byte {
	for i := 0; ; i++ {
		// One hash in 2^32 is no scalar of P-256.
		key, err := ecdh.P256().NewPrivateKey(m.seeded(fmt.Sprint("kms root ", i)))
		if err != nil {
			continue
		}
		der, err := x509.MarshalPKIXPublicKey(key.PublicKey())
		if err != nil {
			panic(err) // a key of this curve always has a form
		}
		return der
	}
}

// providerInfo returns the payload of the event key-provider, which Info has, too.
func (m *Machine) providerInfo() string {
	info, err := json.Marshal(struct {
		Name string `json:"name"`
		ID   string `json:"id"`
	}{m.opts.KeyProvider.Name, m.providerID()})
	if err != nil {
		panic(err) // two strings
	}
	return string(info)
}

// kind returns the key provider as MRCONFIGID has it: as the text of version 3, and as
// the byte of version 2.
func (p KeyProvider) kind() (string, byte) {
	switch p.Name {
	case localSGX:
		return "local", 1
	case kmsProvider:
		return "kms", 2
	case tpmProvider:
		return "tpm", 3
	}
	return "none", 0
}
