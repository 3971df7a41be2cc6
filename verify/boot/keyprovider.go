package boot

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"gitlauncher/internal/strictjson"
	"gitlauncher/policy"
)

// ParseKeyProvider reads the payload of dstack's key-provider event.
func ParseKeyProvider(payload []byte) (policy.KeyProvider, error) {
	var doc struct {
		Name *string `json:"name"`
		ID   *string `json:"id"`
	}
	if err := strictjson.Unmarshal(payload, &doc); err != nil {
		return policy.KeyProvider{}, fmt.Errorf("the key-provider event: %w", err)
	}
	if doc.Name == nil || doc.ID == nil {
		return policy.KeyProvider{}, errors.New("the key-provider event has no name and id")
	}
	found := policy.KeyProvider{Name: *doc.Name, ID: *doc.ID}
	if id, err := hex.DecodeString(found.ID); err != nil || hex.EncodeToString(id) != found.ID || found.Name == "" || strings.Contains(found.Name, ":") {
		return policy.KeyProvider{}, errors.New("the key-provider event has a name or an id that dstack does not write")
	}
	return found, nil
}
