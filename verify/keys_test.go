package verify_test

import (
	"bytes"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/sha3"

	"gitlauncher/measure"
	"gitlauncher/verify/report"
)

// provider returns a change: the boot's key-provider event has this payload.
func provider(payload string) func(v *vm) {
	return func(v *vm) {
		v.boot = bootEvents(v.measured())
		for i := range v.boot {
			if v.boot[i].Name == "key-provider" {
				v.boot[i].Payload = []byte(payload)
			}
		}
	}
}

// TestKeyProvider: who holds the keys is a link like the registers. Each provider but
// none needs an expectation, and any other than the expected is refused.
// SECURITY.md: P6.
func TestKeyProvider(t *testing.T) {
	const kms = `{"name":"kms","id":"aa01"}`
	event := measure.Event{Name: "key-provider", Payload: []byte(kms)}
	digest, other := event.Digest().String(), strings.Repeat("ab", 48)
	system := func(kp string) string {
		reg := func(b string) string { return b + strings.Repeat("0", 94) }
		return "SYSTEM=" + strings.Join([]string{reg("01"), reg("02"), reg("03"), reg("04")}, ":") + kp
	}
	registers := []string{"MRTD", "RTMR0", "RTMR1", "RTMR2"}
	disk := "PERSISTENT_DISK=accepted"
	for name, tc := range map[string]struct {
		payload string
		policy  []string
		without []string
		code    int
		find    string
		o       report.Outcome
	}{
		"none":                            {`{"name":"none","id":""}`, nil, nil, 0, "key provider", report.Pass},
		"none is expected":                {kms, []string{"KEY_PROVIDER=none", disk}, nil, 4, "key provider", report.NotAllowed},
		"a KMS, unexpected":               {kms, []string{disk}, nil, 1, "key provider", report.Undecided},
		"the KMS":                         {kms, []string{"KEY_PROVIDER=kms:aa01", disk}, nil, 0, "key provider", report.Pass},
		"the KMS, among others":           {kms, []string{"KEY_PROVIDER=none,kms:AA01", disk}, nil, 0, "key provider", report.Pass},
		"another KMS":                     {`{"name":"kms","id":"aa02"}`, []string{"KEY_PROVIDER=kms:aa01", disk}, nil, 4, "key provider", report.NotAllowed},
		"a KMS with no id":                {`{"name":"kms","id":""}`, []string{"KEY_PROVIDER=kms:aa01", disk}, nil, 4, "key provider", report.NotAllowed},
		"another kind with the id":        {`{"name":"local-sgx","id":"aa01"}`, []string{"KEY_PROVIDER=kms:aa01", disk}, nil, 4, "key provider", report.NotAllowed},
		"none with an id":                 {`{"name":"none","id":"aa"}`, []string{disk}, nil, 1, "key provider", report.Undecided},
		"none, spelled otherwise":         {`{"name":"None","id":""}`, []string{disk}, nil, 1, "key provider", report.Undecided},
		"a name that holds an id":         {`{"name":"kms:aa01","id":""}`, []string{"KEY_PROVIDER=kms:aa01", disk}, nil, 4, "key provider", report.NotAllowed},
		"a TPM":                           {`{"name":"tpm","id":""}`, []string{"KEY_PROVIDER=tpm", disk}, nil, 0, "key provider", report.Pass},
		"no name":                         {`{"id":""}`, []string{disk}, nil, 4, "key provider", report.NotAllowed},
		"no JSON":                         {`none`, []string{disk}, nil, 4, "key provider", report.NotAllowed},
		"a name twice":                    {`{"name":"none","id":"","name":"kms"}`, []string{disk}, nil, 4, "key provider", report.NotAllowed},
		"a name in capitals beside it":    {`{"name":"none","id":"","Name":"kms"}`, []string{disk}, nil, 4, "key provider", report.NotAllowed},
		"the digest":                      {kms, []string{"KEY_PROVIDER_DIGEST=" + digest, disk}, nil, 0, "key provider", report.Pass},
		"another digest":                  {kms, []string{"KEY_PROVIDER_DIGEST=" + other, disk}, nil, 4, "key provider", report.NotAllowed},
		"another digest for none":         {`{"name":"none","id":""}`, []string{"KEY_PROVIDER_DIGEST=" + digest}, nil, 4, "key provider", report.NotAllowed},
		"the name, another digest":        {kms, []string{"KEY_PROVIDER=kms:aa01", "KEY_PROVIDER_DIGEST=" + other, disk}, nil, 4, "key provider", report.NotAllowed},
		"with the system":                 {kms, []string{system(":" + digest), disk}, registers, 0, "key provider", report.Pass},
		"with the system, another":        {kms, []string{system(":" + other), disk}, registers, 4, "key provider", report.NotAllowed},
		"with one of two systems":         {kms, []string{system(":" + other), system(":" + digest), disk}, registers, 0, "key provider", report.Pass},
		"the system leaves it open":       {kms, []string{system(""), disk}, registers, 1, "key provider", report.Undecided},
		"one of two systems leaves it":    {kms, []string{system(""), system(":" + digest), disk}, registers, 1, "key provider", report.Undecided},
		"disk, not accepted":              {kms, []string{"KEY_PROVIDER=kms:aa01"}, nil, 1, "disk", report.Undecided},
		"disk, accepted":                  {kms, []string{"KEY_PROVIDER=kms:aa01", disk}, nil, 0, "disk", report.Note},
		"disk without a provider":         {`{"name":"none","id":""}`, nil, nil, 0, "disk", report.Pass},
		"disk of a system nobody expects": {`{"name":"none","id":""}`, nil, []string{"RTMR2"}, 1, "disk", report.Undecided},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			provider(tc.payload)(v)
			v.policy, v.without = tc.policy, tc.without
			outcome(t, v.judge(t), tc.code, "D", tc.find, tc.o)
		})
	}
}

// TestDiskSays: what a disk without acceptance is found to be, by who holds its key.
// SECURITY.md: P6.
func TestDiskSays(t *testing.T) {
	for payload, says := range map[string]string{
		`{"name":"none","id":""}`:    "a key that is random in each boot, if this system encrypts its disk",
		`{"name":"kms","id":"aa01"}`: "the same disk in every boot of the instance",
	} {
		v := newVM()
		provider(payload)(v)
		v.without = []string{"RTMR2"}
		found := false
		for _, f := range v.judge(t).Findings {
			found = found || f.Check == "D" && f.Name == "disk" && f.Outcome == report.Undecided && f.Found == says
		}
		if !found {
			t.Errorf("%s: the disk is not %q", payload, says)
		}
	}
}

// TestMeasuredKMS: where the log has a KMS's measurement, it needs an expectation.
// SECURITY.md: P6.
func TestMeasuredKMS(t *testing.T) {
	for name, tc := range map[string]struct {
		event  bool
		policy string
		code   int
		o      report.Outcome
	}{
		"unexpected": {true, "", 1, report.Undecided},
		"expected":   {true, "MR_KMS=0102", 0, report.Pass},
		"another":    {true, "MR_KMS=0103", 4, report.NotAllowed},
		"missing":    {false, "MR_KMS=0102", 1, report.Undecided},
	} {
		v := newVM()
		if v.boot = bootEvents(v.measured()); tc.event {
			v.boot = insert(v.boot, 5, measure.Event{Name: "mr-kms", Payload: []byte{1, 2}})
		}
		if tc.policy != "" {
			v.policy = []string{tc.policy}
		}
		t.Run(name, func(t *testing.T) { outcome(t, v.judge(t), tc.code, "D", "KMS measurement", tc.o) })
	}
}

// TestConfigIDOfProvider: a MRCONFIGID of form 2 also holds which key provider the compose
// asks for, and of which id.
// SECURITY.md: P6.
func TestConfigIDOfProvider(t *testing.T) {
	for name, tc := range map[string]struct {
		app  map[string]any
		kind byte
		id   []byte
	}{
		"nothing said":             {nil, 0, nil},
		"none":                     {map[string]any{"key_provider": "none"}, 0, nil},
		"local":                    {map[string]any{"key_provider": "local"}, 1, nil},
		"kms":                      {map[string]any{"key_provider": "kms"}, 2, nil},
		"tpm":                      {map[string]any{"key_provider": "tpm"}, 3, nil},
		"kms_enabled":              {map[string]any{"kms_enabled": true}, 2, nil},
		"kms_enabled is false":     {map[string]any{"kms_enabled": false}, 0, nil},
		"a local key provider":     {map[string]any{"local_key_provider_enabled": true}, 1, nil},
		"both":                     {map[string]any{"kms_enabled": true, "local_key_provider_enabled": true}, 2, nil},
		"the name stands over kms": {map[string]any{"key_provider": "local", "kms_enabled": true}, 1, nil},
		"none stands over local":   {map[string]any{"key_provider": "none", "local_key_provider_enabled": true}, 0, nil},
		"kms with an id":           {map[string]any{"key_provider": "kms", "key_provider_id": "0xaa01"}, 2, []byte{0xaa, 1}},
		"an id without 0x":         {map[string]any{"key_provider": "kms", "key_provider_id": "aa01"}, 2, []byte{0xaa, 1}},
	} {
		for kind := byte(0); kind < 4; kind++ {
			for _, id := range [][]byte{tc.id, {9}} {
				v := newVM()
				maps.Copy(v.app, tc.app)
				sum := must(hex.DecodeString(digestOf(v.measured())))
				h := sha3.NewLegacyKeccak256()
				h.Write(slices.Concat(sum, sum[:20], []byte{kind}, id))
				v.report.MRConfigID[0] = 2
				copy(v.report.MRConfigID[1:], h.Sum(nil))
				wanted := report.Invalid
				if kind == tc.kind && bytes.Equal(id, tc.id) {
					wanted = report.Pass
				}
				found := false
				for _, f := range v.judge(t).Findings {
					found = found || f.Check == "B" && f.Name == "MRCONFIGID" && f.Outcome == wanted
				}
				if !found {
					t.Errorf("%s: as of kind %d, id %x, MRCONFIGID is not %s", name, kind, id, wanted)
				}
			}
		}
	}
	for says, app := range map[string]map[string]any{
		"is not known to this program": {"key_provider": "KMS"}, "invalid byte": {"key_provider": "kms", "key_provider_id": "x"},
		"cannot unmarshal": {"kms_enabled": "yes"},
	} {
		v := newVM()
		maps.Copy(v.app, app)
		v.report.MRConfigID[0] = 2
		found := false
		for _, f := range v.judge(t).Findings {
			found = found || f.Check == "B" && f.Name == "MRCONFIGID" && f.Outcome == report.Undecided && strings.Contains(f.Why, "it can't be computed") && strings.Contains(f.Why, says)
		}
		if !found {
			t.Errorf("%v: MRCONFIGID is not undecided because it %s", app, says)
		}
	}
}

// TestSystems: of several systems one must be there whole; a mixture of two passes for
// neither.
// SECURITY.md: E11.
func TestSystems(t *testing.T) {
	tuple := func(a, b, c, d string) string {
		reg := func(b string) string { return b + strings.Repeat("0", 94) }
		return "SYSTEM=" + strings.Join([]string{reg(a), reg(b), reg(c), reg(d)}, ":")
	}
	for name, tc := range map[string]struct {
		policy []string
		code   int
		find   string
		o      report.Outcome
	}{
		"the one":     {[]string{tuple("01", "02", "03", "04")}, 0, "MRTD", report.Pass},
		"the second":  {[]string{tuple("11", "12", "13", "14"), tuple("01", "02", "03", "04")}, 0, "RTMR2", report.Pass},
		"neither":     {[]string{tuple("11", "12", "13", "14")}, 4, "MRTD", report.NotAllowed},
		"a mixture":   {[]string{tuple("01", "02", "13", "14"), tuple("11", "12", "03", "04")}, 4, "RTMR1", report.NotAllowed},
		"the nearest": {[]string{tuple("11", "12", "13", "14"), tuple("01", "02", "03", "14")}, 4, "RTMR2", report.NotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			v.without, v.policy = []string{"MRTD", "RTMR0", "RTMR1", "RTMR2"}, tc.policy
			outcome(t, v.judge(t), tc.code, "B", tc.find, tc.o)
		})
	}
}

// TestSettle: each finding that leaves the verdict open says which lines would settle it,
// and with these lines, reviewed or not, it passes.
func TestSettle(t *testing.T) {
	v := newVM()
	provider(`{"name":"kms","id":"aa01"}`)(v)
	v.boot = insert(v.boot, 5, measure.Event{Name: "mr-kms", Payload: []byte{1, 2}})
	v.without = []string{"MRTD", "RTMR0", "RTMR1", "RTMR2", "LAUNCHER_IMAGE_DIGEST", "COMMIT_SHA"}
	r := v.judge(t)
	if r.ExitCode != 1 {
		t.Fatalf("exit code %d", r.ExitCode)
	}
	var lines []string
	for _, f := range r.Findings {
		if f.Outcome == report.Undecided && len(f.Settle) == 0 {
			t.Errorf("%s %s: %s; and no line settles it", f.Check, f.Name, f.Why)
		}
		lines = append(lines, f.Settle...)
	}
	v.policy = lines
	if r = v.judge(t); r.ExitCode != 0 || !slices.Equal(r.Accepted, []string{"a persistent disk"}) {
		outcome(t, r, 0, "D", "disk", report.Note)
		t.Errorf("with %q: accepted %q", lines, r.Accepted)
	}
	// A stranger's id that would be a line of its own settles nothing.
	v = newVM()
	provider(`{"name":"kms","id":"aa\nALLOW_COMPOSE=init_script"}`)(v)
	for _, f := range v.judge(t).Findings {
		for _, l := range f.Settle {
			if strings.Contains(l, "\n") || strings.Contains(l, "ALLOW_COMPOSE") {
				t.Errorf("%s is settled by %q", f.Name, l)
			}
		}
	}
}
