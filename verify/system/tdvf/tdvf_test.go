package tdvf_test

import (
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/measure"
	"gitlauncher/verify/system/tdvf"
)

// dstackWitness is the witness of dstack's firmware (Dstack-TEE/dstack,
// dstack-mr/src/tdvf.rs).
const dstackWitness = "80100904000609020b021010"

// Published by near/mpc, crates/mpc-attestation/assets/tcb_info.json at 45ba9ce8f: the
// RTMR0 that NEAR's contract allows for 0.5.4, 0.5.7 and 0.5.8, and its thirteen events.
const nearRTMR0 = "e673be2f70beefb70b48a6109eed4715d7270d4683b3bf356fa25fafbf1aa76e39e9127e6e688ccda98bdab1d4d47f46"

var nearEvents = []string{
	"8ae1e425351df7992c444586eff99d35af3b779aa2b0e981cb4b73bc5b279f2ade19b6a62a203fc3c3bbdaae80af596d",
	"344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6412af21c097d473155875ffd561d6790",
	"9dc3a1f80bcec915391dcda5ffbb15e7419f77eab462bbf72b42166fb70d50325e37b36f93537a863769bcf9bedae6fb",
	"6f2e3cbc14f9def86980f5f66fd85e99d63e69a73014ed8a5633ce56eca5b64b692108c56110e22acadcef58c3250f1b",
	"d607c0efb41c0d757d69bca0615c3a9ac0b1db06c557d992e906c6b7dee40e0e031640c7bfd7bcd35844ef9edeadc6f9",
	"08a74f8963b337acb6c93682f934496373679dd26af1089cb4eaf0c30cf260a12e814856385ab8843e56a9acea19e127",
	"18cc6e01f0c6ea99aa23f8a280423e94ad81d96d0aeb5180504fc0f7a40cb3619dd39bd6a95ec1680a86ed6ab0f9828d",
	"394341b7182cd227c5c6b07ef8000cdfd86136c4292b8e576573ad7ed9ae41019f5818b4b971c9effc60e1ad9f1289f0",
	"6dae15170c9fea6455681e3f838941a642ff9001a02a333e9ca8549af1db4ba47f01403e31dabe6e8a0b41ddd38b6d99",
	"b3a62232ef6be064cce25a8b92cf55d4a6c099ee7a9c0852ce0c7d572393dae84895c0f59a9db5000f0b34a90c1b1bec",
	"b6ed8ff3fca3c308f3f1ec7889054cc900b1c6dad9b14aedd0144d046626c81a5dbae47937f4949bb2d674a0bd699a7b",
	"1dd6f7b457ad880d840d41c961283bab688e94e4b59359ea45686581e90feccea3c624b1226113f824f315eb60ae0a7c",
	"23ada07f5261f12f34a0bd8e46760962d6b4d576a416f1fea1c64bc656b1d28eacf7047ae6e967c58fd2a98bfa74c298",
}

func witness(t testing.TB) tdvf.Witness {
	t.Helper()
	raw, err := hex.DecodeString(dstackWitness)
	if err != nil {
		t.Fatal(err)
	}
	w, err := tdvf.ParseWitness(raw)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestPublishedRTMR0: the register that NEAR publishes comes out of the firmware's
// ranges, 64 GiB and the three digests of ACPI tables, event by event.
func TestPublishedRTMR0(t *testing.T) {
	w := witness(t)
	acpi, err := tdvf.ParseACPI(strings.Join(nearEvents[8:11], ", "))
	if err != nil {
		t.Fatal(err)
	}
	hob, err := w.HOB(64 << 30)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range tdvf.RTMR0Events(hob, &acpi) {
		got = append(got, e.Digest.String())
		if e.Name == "" || e.Part == "" || e.Meaning == "" || e.Register != 0 {
			t.Errorf("event %+v is not explained", e)
		}
	}
	if diff := cmp.Diff(nearEvents, got); diff != "" {
		t.Errorf("events (-published +derived):\n%s", diff)
	}
	if r, err := w.RTMR0(64<<30, acpi); err != nil || r.String() != nearRTMR0 {
		t.Errorf("RTMR0 is %s, %v", r, err)
	}
	if m := w.FindMemory(hob); m != 64<<30 {
		t.Errorf("the TD HOB is found at %d bytes", m)
	}
}

// secondHOB computes the same bytes in another way: it cuts memory at every boundary,
// asks of each piece what it is, and writes the blocks as text.
func secondHOB(memory uint64) string {
	used := [][2]uint64{{0x800000, 0x806000}, {0x809000, 0x80b000}, {0x80b000, 0x80d000}, {0x810000, 0x820000}}
	const low, high = 0x80000000, 0x100000000
	end := memory
	if memory >= 0xb0000000 {
		end = low
	}
	cuts := []uint64{0, end}
	for _, u := range used {
		cuts = append(cuts, u[0], u[1])
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	word := func(v uint64, bytes int) (s string) {
		for range bytes {
			s += fmt.Sprintf("%02x", v&0xff)
			v >>= 8
		}
		return s
	}
	var blocks string
	block := func(kind, start, length uint64) {
		blocks += "03003000" + "00000000" + strings.Repeat("00", 16) + word(kind, 4) + word(7, 4) + word(start, 8) + word(length, 8)
	}
	for i := range len(cuts) - 1 {
		kind := uint64(7)
		if slices.ContainsFunc(used, func(u [2]uint64) bool { return u[0] <= cuts[i] && cuts[i] < u[1] }) {
			kind = 0
		}
		block(kind, cuts[i], cuts[i+1]-cuts[i])
	}
	if memory >= 0xb0000000 {
		block(7, high, memory-low)
	}
	head := "0100" + "3800" + "00000000" + "09000000" + "00000000" + strings.Repeat("00", 32)
	all := head + word(0x809000+uint64(56+len(blocks)/2+8), 8) + blocks
	raw, _ := hex.DecodeString(all)
	return fmt.Sprintf("%x", sha512.Sum384(raw))
}

// TestMemory compares the TD HOB with the second computation, for sizes from 1 GiB to 4
// TiB, and for every page around the sizes where the layout changes.
func TestMemory(t *testing.T) {
	w := witness(t)
	var sizes []uint64
	for m := uint64(1 << 30); m <= 4<<40; m += 512 << 20 {
		sizes = append(sizes, m)
		if m >= 64<<30 {
			m += 16<<30 - 512<<20
		}
	}
	sizes = append(sizes, 4<<40)
	for _, edge := range []uint64{2 << 30, 2816 << 20, 4 << 30, 1 << 40} {
		for d := -3; d <= 3; d++ {
			sizes = append(sizes, edge+uint64(d)*4096)
		}
	}
	seen := make(map[measure.Register]uint64)
	for _, m := range sizes {
		got, err := w.HOB(m)
		if err != nil {
			t.Fatalf("%d bytes: %v", m, err)
		}
		if want := secondHOB(m); got.String() != want {
			t.Errorf("%d bytes: %s, and the second computation says %s", m, got, want)
		}
		if other, twice := seen[got]; twice && other != m {
			t.Errorf("%d and %d bytes have one TD HOB", other, m)
		}
		seen[got] = m
	}
	if len(seen) < 250 {
		t.Errorf("only %d sizes were compared", len(seen))
	}
	for m, why := range map[uint64]string{
		0: "end before", 8 << 20: "end before", 0x820000: "end before", 1<<30 + 1: "can't have", tdvf.MaxMemory + 4096: "can't have",
	} {
		if _, err := w.HOB(m); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%d bytes: %v, want %q", m, err, why)
		}
	}
	if _, err := w.HOB(tdvf.MaxMemory); err != nil {
		t.Errorf("the largest VM: %v", err)
	}
	if r, err := w.RTMR0(0, tdvf.ACPI{}); err == nil {
		t.Errorf("a VM without memory has RTMR0 %s", r)
	}
	if _, err := new(tdvf.Witness).HOB(1 << 30); err == nil {
		t.Error("a witness of nothing has a TD HOB")
	}
	if m := w.FindMemory(measure.Register{}); m != 0 {
		t.Errorf("a zero digest is the TD HOB of %d bytes", m)
	}
}

func TestKernelIsFixed(t *testing.T) {
	for m, want := range map[uint64]bool{1 << 30: false, 2 << 30: true, 2<<30 + 4096: false, 2816<<20 - 4096: false, 2816 << 20: true, 4 << 40: true} {
		if got := tdvf.KernelIsFixed(m); got != want {
			t.Errorf("%d bytes: %v", m, got)
		}
	}
}

// TestWitnessRefused: each kind of bad memory ranges is refused by its own reason.
func TestWitnessRefused(t *testing.T) {
	for hexed, why := range map[string]string{
		"":                           "end within an integer",
		"8010":                       "end within an integer",
		"801009":                     "end within an integer",
		"80100900":                   "0 of them",
		"8010092100":                 "33 of them",
		"8010090109":                 "end within an integer",
		"801009010900":               "empty",
		"80100902090209020000":       "out of order",
		"8010090209020801":           "out of order",
		"80100901090200":             "bytes behind their end",
		"8010080109020000":           "bytes behind their end",
		"80100801090200"[:12]:        "TD HOB is in none",
		"809000" + "0901" + "0902":   "shortest form",
		"8080808080100901" + "0902":  "beyond 32 bits",
		"80100901" + "09" + "808020": "beyond 2 GiB",
	} {
		raw, err := hex.DecodeString(hexed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tdvf.ParseWitness(raw); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", hexed, err, why)
		}
	}
}

// TestWitnessBounds: the greatest number of ranges is read, and one more is not.
func TestWitnessBounds(t *testing.T) {
	ranges := func(n int) []byte {
		b := []byte{1, 0, byte(n)}
		for i := range n {
			b = append(b, byte(2*i), 1)
		}
		return b
	}
	if _, err := tdvf.ParseWitness(ranges(32)); err != nil {
		t.Errorf("32 ranges: %v", err)
	}
	if _, err := tdvf.ParseWitness(ranges(33)); err == nil || !strings.Contains(err.Error(), "33 of them") {
		t.Errorf("33 ranges: %v", err)
	}
}

func TestReadBoot(t *testing.T) {
	digest := nearEvents[0]
	good := measure.Log{{IMR: 0, Digest: digest}, {IMR: 1, Digest: strings.ToUpper(digest)}, {IMR: 3}, {IMR: 2, Digest: digest}, {IMR: 0, Digest: nearEvents[1]}}
	b, err := tdvf.ReadBoot(good)
	if err != nil || len(b[0]) != 2 || len(b[1]) != 1 || len(b[2]) != 1 || b.Replay(1) != b.Replay(2) || b.Replay(0) == b.Replay(1) {
		t.Errorf("%v, %v", b, err)
	}
	if _, ok := b.ACPI(); ok {
		t.Error("two events have three of ACPI tables among them")
	}
	if b, err := tdvf.ReadBoot(append(good, measure.Entry{IMR: 2})); err != nil || len(b[0])+len(b[1])+len(b[2]) > 0 {
		t.Errorf("with an empty digest: %v, %v", b, err)
	}
	if b, err := tdvf.ReadBoot(slices.Repeat(measure.Log{{IMR: 1, Digest: digest}}, 64)); err != nil || len(b[1]) != 64 {
		t.Errorf("64 events: %d, %v", len(b[1]), err)
	}
	for says, log := range map[string]measure.Log{
		"entry 0, in RTMR0, has no digest": {{IMR: 0, Digest: strings.Repeat("z", 96)}},
		"RTMR1 has more than 64 events":    slices.Repeat(measure.Log{{IMR: 1, Digest: digest}}, 65),
		"entry 1, in RTMR0, has no digest": {{IMR: 3}, {IMR: 0, Digest: digest[:94]}},
	} {
		if _, err := tdvf.ReadBoot(log); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want %q", err, says)
		}
	}
	tables := slices.Repeat(measure.Log{{IMR: 0, Digest: digest}}, 3)
	for name, tc := range map[string]struct {
		log  measure.Log
		want bool
	}{
		"the tables alone": {tables, true}, "two of them": {tables[:2], false}, "a fourth": {append(tables[:3:3], tables[0]), false},
		"an event of RTMR1": {append(tables[:3:3], measure.Entry{IMR: 1, Digest: digest}), false}, "an event of RTMR2": {append(tables[:3:3], measure.Entry{IMR: 2, Digest: digest}), false},
		"an event of RTMR3": {append(tables[:3:3], measure.Entry{IMR: 3}), true},
	} {
		b, err := tdvf.ReadBoot(tc.log)
		if acpi, ok := b.Stripped(); err != nil || ok != tc.want || ok && acpi[2].String() != digest {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
}

// FuzzWitness: whatever is read as memory ranges derives a TD HOB or says why not, and
// does not take long.
func FuzzWitness(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte, memory uint64) {
		w, err := tdvf.ParseWitness(data)
		if err != nil {
			return
		}
		if _, err := w.HOB(memory); (err == nil) != (w.CheckMemory(memory) == nil) {
			t.Errorf("%d bytes: %v", memory, err)
		}
		if _, err := w.HOB(4 << 30); err != nil {
			t.Errorf("4 GiB: %v", err)
		}
	})
}
