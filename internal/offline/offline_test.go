package offline

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gitlauncher/config"
	"gitlauncher/internal/testenv"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
	"gitlauncher/verify/system/catalogue"
)

// TestJudge: the files are taken for what they are said to be. The tests of the page
// (page/test) compare its report with the command's, byte for byte.
func TestJudge(t *testing.T) {
	at := time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC)
	files := []File{{"q", Evidence, testenv.ReadFixture(t, "dstack-quote-report.json")}, {"c", Collateral, testenv.ReadFixture(t, "dstack-quote-report.collateral.json")}}
	with, err := Judge(context.Background(), files, at)
	if err != nil || with.ExitCode != report.ExitUndecided {
		t.Fatalf("%+v, %v", with, err)
	}
	without, err := Judge(context.Background(), files[:1], at)
	if err != nil || len(without.Findings) == len(with.Findings) {
		t.Errorf("without collateral as with it: %d findings, %v", len(without.Findings), err)
	}
	policy := File{"p", Policy, []byte("MRTD=" + strings.Repeat("1", 96) + "\n")}
	other, err := Judge(context.Background(), append(files, policy), at)
	if err != nil || other.ExitCode != report.ExitNotAllowed {
		t.Errorf("a policy changes nothing: %+v, %v", other, err)
	}
}

// TestErrors: an error says which file can't be judged, and whose fault that is.
func TestErrors(t *testing.T) {
	at := time.Now()
	for name, tc := range map[string]struct {
		files   []File
		invalid bool
		want    string
	}{
		"nothing":                   {nil, false, "no evidence is given"},
		"a policy alone":            {[]File{{"p", Policy, []byte("NONCE=00\n")}}, false, "no evidence is given"},
		"no evidence":               {[]File{{"e", Evidence, []byte("{}")}}, true, "e: evidence is neither"},
		"large evidence":            {[]File{{"e", Evidence, make([]byte, evidence.MaxSize+1)}}, true, "e is larger than 6 MiB"},
		"evidence as large as most": {[]File{{"e", Evidence, make([]byte, evidence.MaxSize)}}, true, "e: evidence: "},
		"two":                       {[]File{{"e", Evidence, []byte(`{"quote":"04","event_log":"[]"}`)}, {"f", Evidence, nil}}, false, "e and f are two pieces of evidence"},
		"a quote and evidence":      {[]File{{"e", Evidence, []byte(`{"quote":"04","event_log":"[]"}`)}, {"q", Quote, nil}}, false, "q is a quote, which is evidence in parts"},
		"no quote":                  {[]File{{"q", Quote, []byte("x")}}, true, "q: quote: is neither"},
		"a large part":              {[]File{{"q", Quote, []byte("04")}, {"l", EventLog, make([]byte, evidence.MaxSize+1)}}, true, "l is larger than 6 MiB"},
		"a policy":                  {[]File{{"p", Policy, []byte("COMMIT=1\n")}}, false, "COMMIT"},
		"a large policy":            {[]File{{"p", Policy, make([]byte, config.MaxSize+1)}}, false, "p is larger than 64 KiB"},
		"a root":                    {[]File{{"r", Root, []byte("x")}}, false, "r: "},
		"a large root":              {[]File{{"r", Root, make([]byte, 1<<20+1)}}, false, "r is larger than 1 MiB"},
		"systems":                   {[]File{{"s", Systems, []byte("x")}}, false, "s: "},
		"large systems":             {[]File{{"s", Systems, make([]byte, catalogue.MaxFile+1)}}, false, "s is larger than"},
		"collateral":                {[]File{{"c", Collateral, []byte("x")}}, false, "c: "},
		"large collateral":          {[]File{{"c", Collateral, make([]byte, quote.MaxCollateral+1)}}, false, "c is larger than 1 MiB"},
		"a system":                  {[]File{{"p", Policy, []byte("OS_IMAGE=dstack-9\n")}}, false, "OS_IMAGE: the catalogue has no system"},
	} {
		r, err := Judge(context.Background(), tc.files, at)
		var invalid *InvalidError
		if r != nil || err == nil || !strings.Contains(err.Error(), tc.want) || errors.As(err, &invalid) != tc.invalid {
			t.Errorf("%s: %v, evidence at fault %v; wanted %q, %v", name, err, errors.As(err, &invalid), tc.want, tc.invalid)
		}
	}
	collateral := testenv.ReadFixture(t, "dstack-quote-report.collateral.json")
	if _, err := Judge(context.Background(), []File{{"c", Collateral, collateral}, {"d", Collateral, collateral}}, at); err == nil || !strings.Contains(err.Error(), "d: there is one collateral already") {
		t.Errorf("two collaterals: %v", err)
	}
}

// TestGuess: real files are taken for what they are. Anything unknown is taken for
// evidence, so that its refusal says so.
func TestGuess(t *testing.T) {
	for text, want := range map[string]Role{
		"": Evidence, "hello": Evidence, "{": Evidence, "[]": EventLog, "{}": Evidence, `{"quote":""}`: Evidence, `{"attestation":""}`: Evidence,
		"{\"tcb_info\":{}}\n{\"quote\":\"\"}": Evidence, `{"tcb_info":{}}`: Info, `{"mrtd":"","rtmr3":""}`: TCBInfo, `{"os_image_hash":""}`: VMConfig,
		"0x0400020081000000ff": Quote, "\x04\x00\x02\x00\x81\x00\x00\x00\x00": Quote, "# a policy": Policy, "MRTD=0": Policy,
		" -----BEGIN CERTIFICATE-----\n": Root, `{"version":1,"sources":{}}`: Systems, `{"tcb_info":"","tcb_info_signature":"","qe_identity":""}`: Collateral,
	} {
		if got := Guess([]byte(text)); got != want {
			t.Errorf("%q looks like %s, not %s", text, got, want)
		}
	}
	for name, want := range map[string]Role{"near-public-data.json": Evidence, "dstack-quote-report.json": Evidence, "dstack-quote-report.collateral.json": Collateral, "dstack-0.6-getquote.json": Evidence} {
		if got := Guess(testenv.ReadFixture(t, name)); got != want {
			t.Errorf("%s looks like %s", name, got)
		}
	}
}

// FuzzGuess: no bytes make it panic, and the answer is a role.
func FuzzGuess(f *testing.F) {
	f.Add([]byte(`{"quote":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r := Guess(data); !bytes.Contains([]byte("evidence policy collateral root systems quote event-log info tcb-info vm-config"), []byte(r)) || r == "" {
			t.Error(r)
		}
	})
}
