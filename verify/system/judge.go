package system

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/measure"
	"gitlauncher/verify/system/tdvf"
)

// Outcome is how one finding came out.
type Outcome string

// The outcomes. Anything but Proven and Noted leaves the system unproven.
const (
	Proven     Outcome = "proven"
	Noted      Outcome = "note"
	Open       Outcome = "open"       // not derivable, or nobody said what to expect
	Differs    Outcome = "differs"    // derived, and the quote has another value
	Contradict Outcome = "contradict" // the evidence contradicts itself
)

// The names of findings, the same words in every run.
const (
	FindingImage   = "OS image"
	FindingBootLog = "boot log"
	FindingMRTD    = "MRTD"
	FindingRTMR0   = "RTMR0"
	FindingRTMR1   = "RTMR1"
	FindingRTMR2   = "RTMR2"
	FindingACPI    = "ACPI tables"
)

// Finding is one thing that was compared.
type Finding struct {
	Name    string      `json:"name"`
	Outcome Outcome     `json:"outcome"`
	Want    string      `json:"expected,omitempty"`
	Found   string      `json:"found,omitempty"`
	Why     string      `json:"why,omitempty"`   // a plain sentence, for whatever is not Proven
	Parts   []tdvf.Part `json:"parts,omitempty"` // what differs, where that can be told
}

// Image is a system that a reader accepts.
type Image struct {
	Name string // empty for a bare hash
	Hash string // os_image_hash, lowercase hex; empty where none is published
	Sets []Set  // registers by generation of QEMU, for images without a document
	// Sandbox is the source that says that the image's kernel keeps ACPI byte code from
	// private memory. It is empty if none says so.
	Sandbox string
}

func (i Image) String() string {
	switch {
	case i.Name == "":
		return i.Hash
	case i.Hash == "":
		return i.Name
	}
	return i.Name + " (" + i.Hash + ")"
}

// Set holds the registers of an image on one generation of QEMU. What is nil is not
// known.
type Set struct {
	Generation         Generation
	MRTD, RTMR1, RTMR2 *measure.Register
	Witness            *tdvf.Witness
	Normalised         bool
	Source             string
}

// Shape is a kind of VM whose ACPI tables are published.
type Shape struct {
	Name   string
	Memory uint64
	ACPI   tdvf.ACPI
	Source string
}

// Input is everything that [Judge] looks at.
type Input struct {
	MRTD measure.Register    // of the quote
	RTMR [3]measure.Register // of the quote, 0 to 2
	Log  measure.Log         // nil where there is none
	VM   *VMConfig           // nil where there is none

	Images []Image // any of these will do; empty: nobody said which
	// ACPI are the host's tables that a reader accepts. ACPIUnchecked accepts any.
	// RTMR0Pinned says that the reader pinned the register itself.
	ACPI          []tdvf.ACPI
	ACPIUnchecked bool
	RTMR0Pinned   bool
	Shapes        []Shape
}

// Result is what [Judge] found.
type Result struct {
	Findings []Finding
	Image    *Image        // the accepted image that was compared; nil where there is none
	Document *Document     // nil where the evidence has none that belongs to Image
	Witness  *tdvf.Witness // of the image's firmware; nil where that is not known
	Memory   uint64        // bytes, as RTMR0 has them; zero where that is not known
	Boot     tdvf.Boot     // digests of the log, which the quote proves for attested registers
	Attested [3]bool       // whether the log makes the quote's RTMR0, 1, 2
}

// Proven reports whether every finding leaves the system proven.
func (r *Result) Proven() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Outcome != Proven && f.Outcome != Noted })
}

// Find returns the finding of a name.
func (r *Result) Find(name string) (Finding, bool) {
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Name == name })
	if i < 0 {
		return Finding{}, false
	}
	return r.Findings[i], true
}

// judgement is one system being judged.
type judgement struct {
	Input
	*Result
	passes passes // as MRTD proves; zero if it does not
	// tables are the ACPI digests of a stripped log: dstack's v1 Attest answer leaves
	// out all events before the operating system but these three.
	tables []tdvf.ACPI
}

// Judge derives the registers of an accepted image and compares them with the
// quote's. It does not fail: what is wrong is a finding.
func Judge(in Input) *Result {
	j := &judgement{Input: in, Result: new(Result)}
	j.bootLog()
	switch expected, ok := j.choose(); {
	case ok:
		j.Witness = expected.witness
		j.mrtd(expected)
		j.rtmr1(expected)
		j.rtmr2(expected)
		j.rtmr0(expected)
	case len(j.Images) > 0:
		for _, name := range []string{FindingMRTD, FindingRTMR0, FindingRTMR1, FindingRTMR2} {
			j.add(name, Open, "", j.register(name).String(), "it can't be derived without the image's measurements")
		}
	}
	j.acpi()
	return j.Result
}

func (j *judgement) add(name string, o Outcome, want, found, why string, parts ...tdvf.Part) {
	j.Findings = append(j.Findings, Finding{name, o, want, found, why, parts})
}

// register returns the quote's register by the name of its finding.
func (j *judgement) register(name string) measure.Register {
	switch name {
	case FindingRTMR0:
		return j.RTMR[0]
	case FindingRTMR1:
		return j.RTMR[1]
	case FindingRTMR2:
		return j.RTMR[2]
	}
	return j.MRTD
}

// bootLog replays the log's RTMR0 to RTMR2. If a log has such entries and they do not
// make the quote's register, the evidence contradicts itself.
func (j *judgement) bootLog() {
	boot, err := tdvf.ReadBoot(j.Log)
	if err != nil {
		j.add(FindingBootLog, Contradict, "digests of 48 bytes", "", err.Error())
		return
	}
	if a, stripped := boot.Stripped(); stripped {
		j.tables = []tdvf.ACPI{a}
		return
	}
	j.Boot = boot
	for i := range boot {
		got := boot.Replay(i)
		j.Attested[i] = len(boot[i]) > 0 && got == j.RTMR[i]
		if len(boot[i]) > 0 && !j.Attested[i] {
			j.add(FindingBootLog, Contradict, j.RTMR[i].String(), got.String(),
				fmt.Sprintf("the log does not make RTMR%d of the quote: an entry was changed, added, removed or moved", i))
		}
	}
}

// expected is what the registers must be if an image was booted.
type expected struct {
	mrtd         []option
	rtmr1, rtmr2 *measure.Register
	rtmr1Events  []tdvf.Event // nil where only the register is known
	rtmr2Events  []tdvf.Event
	witness      *tdvf.Witness
	normalised   bool
	generations  []Generation // that rtmr1 is known for
}

// option is a value that MRTD can have.
type option struct {
	value  measure.Register
	passes passes
}

// choose returns what the accepted image makes of the registers: by the measurement
// document in the evidence, or by the image's known registers. It returns false if
// there is neither.
func (j *judgement) choose() (expected, bool) {
	if len(j.Images) == 0 {
		return expected{}, false
	}
	if j.VM != nil && j.VM.Measurement != nil {
		if e, done := j.fromDocument(); done {
			return e, e.mrtd != nil
		}
	}
	return j.fromSets()
}

// fromDocument follows the chain of hashes: the reader's hash, the checksum file, the
// measurement document. done is false if the image's known registers may serve instead.
func (j *judgement) fromDocument() (e expected, done bool) {
	sum := ImageHash(j.VM.Checksums)
	hash := hex.EncodeToString(sum[:])
	if j.VM.ImageHash != "" && j.VM.ImageHash != hash {
		j.add(FindingImage, Contradict, j.VM.ImageHash, hash, "vm_config has another os_image_hash than its own checksum file makes")
		return e, true
	}
	i := slices.IndexFunc(j.Images, func(i Image) bool { return i.Hash == hash })
	if i < 0 {
		var names []string
		for _, image := range j.Images {
			names = append(names, image.String())
		}
		j.add(FindingImage, Differs, strings.Join(names, " or "), hash, "the VM says that it runs another image: its checksum file has another hash")
		return e, true
	}
	j.Image = &j.Images[i]
	if err := CheckDocument(j.VM.Checksums, j.VM.Measurement); err != nil {
		outcome := Open
		if other := new(DocumentError); errors.As(err, &other) {
			outcome = Contradict
		}
		j.add(FindingImage, outcome, "", hash, err.Error())
		return e, true
	}
	d, err := ParseDocument(j.VM.Measurement)
	if version := new(VersionError); errors.As(err, &version) && len(j.Image.Sets) > 0 {
		return e, false
	}
	if err != nil {
		j.add(FindingImage, Open, "", j.Image.String(), err.Error())
		return e, true
	}
	j.Document = d
	j.add(FindingImage, Proven, "", j.Image.String()+", by the measurement document in the evidence", "")
	rtmr1, rtmr2 := d.RTMR1(), d.RTMR2()
	return expected{
		mrtd:  []option{{d.SinglePass, onePass}, {d.TwoPass, twoPasses}},
		rtmr1: &rtmr1, rtmr1Events: rtmr1Events(d), rtmr2: &rtmr2, rtmr2Events: rtmr2Events(d),
		witness: &d.Witness, normalised: d.Normalised, generations: []Generation{Generation8, Generation9},
	}, true
}

func rtmr1Events(d *Document) []tdvf.Event { return tdvf.RTMR1Events(d.Kernel) }
func rtmr2Events(d *Document) []tdvf.Event { return tdvf.RTMR2Events(d.CmdlineDigest, d.Initrd) }

// fromSets returns the known registers of an accepted image. It takes the set that
// agrees with the quote best, so that a difference is reported against the likeliest
// one.
func (j *judgement) fromSets() (expected, bool) {
	var best *Set
	most := -1
	var names []string
	for i := range j.Images {
		names = append(names, j.Images[i].String())
		for k := range j.Images[i].Sets {
			set := &j.Images[i].Sets[k]
			if n := j.agreeing(set); n > most {
				most, best, j.Image = n, set, &j.Images[i]
			}
		}
	}
	if best == nil {
		why := "the evidence has no measurement document (images before 0.6 ship none, and not all evidence has vm_config), and no registers are known of the image"
		if j.VM != nil && j.VM.Measurement != nil {
			why = "the image's measurement document is of a version that is not known, and no registers are known of the image"
		}
		j.add(FindingImage, Open, strings.Join(names, " or "), "", why)
		return expected{}, false
	}
	if claimed := j.VM; claimed != nil && claimed.ImageHash != "" && j.Image.Hash != "" && claimed.ImageHash != j.Image.Hash {
		j.add(FindingImage, Noted, j.Image.Hash, claimed.ImageHash, "vm_config names another os_image_hash; it is the host's word, and the registers decide")
	} else {
		j.add(FindingImage, Noted, "", j.Image.String(), "by registers that are known of it: "+best.Source)
	}
	e := expected{rtmr1: best.RTMR1, rtmr2: best.RTMR2, witness: best.Witness, normalised: best.Normalised}
	for i := range j.Image.Sets {
		set := &j.Image.Sets[i]
		if set.MRTD != nil {
			e.mrtd = append(e.mrtd, option{*set.MRTD, set.Generation.passes()})
		}
		if set.RTMR1 != nil {
			e.generations = append(e.generations, set.Generation)
		}
	}
	return e, true
}

// agreeing counts the registers of a set that the quote has.
func (j *judgement) agreeing(set *Set) (n int) {
	for _, r := range []struct {
		known *measure.Register
		found measure.Register
	}{{set.RTMR2, j.RTMR[2]}, {set.RTMR1, j.RTMR[1]}, {set.MRTD, j.MRTD}} {
		if r.known != nil && *r.known == r.found {
			n++
		}
	}
	return n
}
