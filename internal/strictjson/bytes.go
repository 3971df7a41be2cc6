package strictjson

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// Bytes are bytes that a document holds as hex, with or without 0x, or as an
// array of numbers from 0 to 255, as Rust's serde writes them.
type Bytes []byte

// UnmarshalJSON reads either form.
func (b *Bytes) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' { // an array is never base64 to encoding/json
		if bytes.Contains(data, []byte("null")) { // which would be a zero
			return fmt.Errorf("has null where a number from 0 to 255 is meant")
		}
		return json.Unmarshal(data, (*[]byte)(b))
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("is neither hex nor an array of numbers")
	}
	decoded, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		return fmt.Errorf("is not hex")
	}
	*b = decoded
	return nil
}

// MarshalJSON writes hex.
func (b Bytes) MarshalJSON() ([]byte, error) { return json.Marshal(hex.EncodeToString(b)) }
