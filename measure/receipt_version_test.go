package measure

import (
	"strings"
	"testing"
)

// TestParseReceiptVersion: a receipt of an unknown version is refused by its version. A receipt
// is of version 2 if it binds a key, and only then.
// SECURITY.md: E17.
func TestParseReceiptVersion(t *testing.T) {
	const key = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"
	for text, want := range map[string]string{
		`{"version": 99}`:   "receipt: version is a number, which no receipt has there",
		`{"version": "99"}`: `receipt has the unknown version "99"`,
		`{"version": "1"}`:  "",

		`{"version": "2", "bound_spki_sha256": "` + key + `"}`: "",
		`{"version": "2"}`: "receipt of version 2 has no bound_spki_sha256",
		`{"version": "1", "bound_spki_sha256": "` + key + `"}`:                          "receipt of version 1 has a bound_spki_sha256",
		`{"version": "3", "bound_spki_sha256": "` + key + `"}`:                          `unknown version "3"`,
		`{"bound_spki_sha256": "` + key + `"}`:                                          `unknown version ""`,
		`{"version": "1", "bound_spki_sha256": ""}`:                                     "is not 64 lowercase",
		`{"version": "1", "bound_spki_sha256": null}`:                                   "is not a string",
		`{"version": "2", "bound_spki_sha256": null}`:                                   "is not a string",
		`{"version": "2", "bound_spki_sha256": 1}`:                                      "is not a string",
		`{"version": "2", "bound_spki_sha256": "` + key[1:] + `"}`:                      "is not 64 lowercase",
		`{"version": "2", "bound_spki_sha256": "` + strings.ToUpper(key) + `"}`:         "is not 64 lowercase",
		`{"version": "2", "bound_spki_sha256": "` + strings.Repeat("0", 64) + `"}`:      "is zero",
		`{"version": "2", "Bound_spki_sha256": "` + key + `"}`:                          "Bound_spki_sha256",
		`{"version": "2", "bound_spki_sha256": "` + key + `", "bound_spki_sha256": ""}`: "twice",
		`{"version": "2", "bound_spki_sha256": "` + key + `", "more": ""}`:              "unknown field",
		`{"version": "2", "bound_spki_sha256": "` + key + `", "info": {"more": ""}}`:    "unknown field",
	} {
		_, err := ParseReceipt([]byte(text))
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Go ")) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestReceiptBytes: a receipt that binds no key has the same bytes as ever.
func TestReceiptBytes(t *testing.T) {
	r := Receipt{Version: "1", Binding: Recorded, Record: "r", Nonce: "00"}
	const want = `{"version":"1","binding":"recorded","record":"r","nonce":"00","quote":"","event_log":"","report_data":"","vm_config":"","info":{"app_id":"","instance_id":"","app_name":"","device_id":"","compose_hash":"","os_image_hash":"","mr_aggregated":"","key_provider_info":"","vm_config":"","tcb_info":""}}` + "\n"
	if got, err := r.Marshal(); err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
	r.Version, r.Key = "2", KeyHashOf([]byte("key"))
	bound := strings.NewReplacer(`"version":"1"`, `"version":"2"`, `"nonce":"00"`, `"nonce":"00","bound_spki_sha256":"`+r.Key.String()+`"`).Replace(want)
	if got, err := r.Marshal(); err != nil || string(got) != bound {
		t.Errorf("%v\n%s", err, got)
	}
}
