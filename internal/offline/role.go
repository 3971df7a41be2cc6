package offline

import (
	"bytes"
	"encoding/json"
)

// Role says what a file is taken for.
type Role string

// The roles, by the names of the command's flags.
const (
	Evidence   Role = "evidence"
	Policy     Role = "policy"
	Collateral Role = "collateral"
	Root       Role = "root"
	Systems    Role = "systems"
	Quote      Role = "quote"
	EventLog   Role = "event-log"
	Info       Role = "info"
	TCBInfo    Role = "tcb-info"
	VMConfig   Role = "vm-config"
)

// Roles returns all roles, in the order in which people are asked for the files.
func Roles() []Role {
	return []Role{Evidence, Policy, Collateral, Root, Systems, Quote, EventLog, Info, TCBInfo, VMConfig}
}

// Guess says what a file looks like. It is a suggestion to a person who sees it and can
// change it, so it reads leniently: what was guessed is parsed strictly.
func Guess(data []byte) Role {
	text := bytes.TrimSpace(data)
	if bytes.HasPrefix(text, []byte("-----BEGIN CERTIFICATE-----")) {
		return Root
	}
	if tdxQuote(text) {
		return Quote
	}
	if bytes.HasPrefix(text, []byte("[")) {
		return EventLog
	}
	if !bytes.HasPrefix(text, []byte("{")) {
		if bytes.ContainsRune(firstLine(text), '=') || bytes.HasPrefix(text, []byte("#")) {
			return Policy
		}
		return Evidence
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(text, &keys) != nil { // two answers, one after the other, say
		return Evidence
	}
	for _, kind := range []struct {
		role Role
		keys []string
	}{
		{Evidence, []string{"quote"}},
		{Evidence, []string{"attestation"}},
		{Evidence, []string{"app_certificates"}},
		{Collateral, []string{"tcb_info_signature", "qe_identity"}},
		{Systems, []string{"version", "sources"}},
		{TCBInfo, []string{"mrtd", "rtmr3"}},
		{Info, []string{"tcb_info"}},
		{Info, []string{"app_compose"}},
		{VMConfig, []string{"os_image_hash"}},
	} {
		there := 0
		for _, k := range kind.keys {
			if _, ok := keys[k]; ok {
				there++
			}
		}
		if there == len(kind.keys) {
			return kind.role
		}
	}
	return Evidence
}

// tdxQuote recognizes a TDX quote of version 4 or 5 by its header, in hex or as bytes.
func tdxQuote(text []byte) bool {
	for _, head := range []string{"\x04\x00\x02\x00\x81\x00\x00\x00", "\x05\x00\x02\x00\x81\x00\x00\x00", "0400020081000000", "0500020081000000", "0x0400020081000000", "0x0500020081000000"} {
		if bytes.HasPrefix(text, []byte(head)) {
			return true
		}
	}
	return false
}

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return line
}
