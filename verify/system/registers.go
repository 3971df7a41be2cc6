package system

import (
	"fmt"
	"slices"
	"strings"

	"gitlauncher/measure"
	"gitlauncher/verify/system/tdvf"
)

// mrtd compares the firmware's measurement.
func (j *judgement) mrtd(e expected) {
	if len(e.mrtd) == 0 {
		j.add(FindingMRTD, Open, "", j.MRTD.String(), "no value of it is known for this image")
		return
	}
	var want []string
	for _, o := range e.mrtd {
		if o.value == j.MRTD {
			j.passes = o.passes
			j.add(FindingMRTD, Proven, "", j.MRTD.String()+" ("+o.passes.String()+")", "")
			return
		}
		want = append(want, o.value.String()+" ("+o.passes.String()+")")
	}
	if j.otherPasses(e.mrtd) {
		j.add(FindingMRTD, Open, strings.Join(want, " or "), j.MRTD.String(),
			"its value for this generation of QEMU is not known for this image: "+j.qemu())
		return
	}
	j.add(FindingMRTD, Differs, strings.Join(want, " or "), j.MRTD.String(), "the VM started with another firmware than the image's", tdvf.PartFirmware)
}

// otherPasses reports whether no MRTD is known for the way in which the VM's QEMU adds
// pages. The host's word decides that, and either outcome leaves the system unproven.
func (j *judgement) otherPasses(known []option) bool {
	g, ok := j.claimedGeneration()
	covers := func(p passes) bool {
		return slices.ContainsFunc(known, func(o option) bool { return o.passes == p })
	}
	if !ok {
		return !covers(onePass) || !covers(twoPasses)
	}
	return !covers(g.passes())
}

func (j *judgement) claimedGeneration() (Generation, bool) {
	if j.VM == nil {
		return "", false
	}
	return GenerationOf(j.VM.QEMU)
}

// generation returns QEMU's generation. MRTD proves it if only one generation adds
// pages in that way. Otherwise the host's word counts, unless it contradicts MRTD.
func (j *judgement) generation() (Generation, bool) {
	if j.passes == twoPasses {
		return Generation8, true
	}
	g, ok := j.claimedGeneration()
	return g, ok && (j.passes == 0 || j.passes == g.passes())
}

func (j *judgement) qemu() string {
	if j.VM == nil || j.VM.QEMU == "" {
		return "nothing names the version of QEMU"
	}
	return fmt.Sprintf("vm_config names QEMU %.40q", j.VM.QEMU)
}

// rtmr1 compares the kernel's register.
func (j *judgement) rtmr1(e expected) {
	found := j.RTMR[1]
	switch {
	case e.rtmr1 == nil:
		j.add(FindingRTMR1, Open, "", found.String(), "no value of it is known for this image")
	case *e.rtmr1 == found:
		j.add(FindingRTMR1, Proven, "", found.String(), "")
	case !e.normalised && j.smallMemory():
		j.add(FindingRTMR1, Open, e.rtmr1.String(), found.String(),
			"this image's kernel has another digest at each size of memory below 2816 MiB but 2 GiB; give the VM 2 GiB, or 2816 MiB or more")
	case !e.normalised && j.otherGeneration(e):
		j.add(FindingRTMR1, Open, e.rtmr1.String(), found.String(),
			"this image's kernel has another digest on each generation of QEMU, and this one's is not known: "+j.qemu())
	default:
		parts, why := j.differing(1, e.rtmr1Events, tdvf.PartKernel)
		j.add(FindingRTMR1, Differs, e.rtmr1.String(), found.String(), why, parts...)
	}
}

// smallMemory reports whether the VM has so little memory that the digest of a kernel
// that is not normalised depends on it. The host's word decides that, and either
// outcome leaves the system unproven.
func (j *judgement) smallMemory() bool {
	return j.VM != nil && j.VM.Memory != 0 && !tdvf.KernelIsFixed(j.VM.Memory)
}

// otherGeneration reports whether the VM runs on a QEMU for which the kernel's digest
// is not known. A document has the digest that QEMU before 10.2 makes.
func (j *judgement) otherGeneration(e expected) bool {
	covers := func(writes bool) bool {
		return slices.ContainsFunc(e.generations, func(g Generation) bool { return g.writesHeader() == writes })
	}
	g, ok := j.generation()
	if !ok {
		return !covers(true) || !covers(false)
	}
	return !covers(g.writesHeader())
}

// rtmr2 compares the register of command line and initrd.
func (j *judgement) rtmr2(e expected) {
	found := j.RTMR[2]
	switch {
	case e.rtmr2 == nil:
		j.add(FindingRTMR2, Open, "", found.String(), "no value of it is known for this image")
	case *e.rtmr2 == found:
		j.add(FindingRTMR2, Proven, "", found.String(), "")
	default:
		parts, why := j.differing(2, e.rtmr2Events, tdvf.PartCmdline, tdvf.PartInitrd)
		j.add(FindingRTMR2, Differs, e.rtmr2.String(), found.String(), why, parts...)
	}
}

// differing names the events of a register that are not the image's. Without an
// attested log, or where only the register is known, it names what they could be.
func (j *judgement) differing(register int, want []tdvf.Event, otherwise ...tdvf.Part) ([]tdvf.Part, string) {
	got := j.Boot[register]
	if want == nil || !j.Attested[register] {
		return otherwise, "the VM runs another " + join(otherwise, " or ") + " than the image's"
	}
	if len(got) != len(want) {
		return []tdvf.Part{tdvf.PartFirmware}, fmt.Sprintf("the register holds %d events, and the image's firmware writes %d", len(got), len(want))
	}
	var parts []tdvf.Part
	var names []string
	for i, e := range want {
		if e.Digest == got[i] || e.Part == tdvf.PartACPI {
			continue
		}
		names = append(names, e.Name)
		if !slices.Contains(parts, e.Part) {
			parts = append(parts, e.Part)
		}
	}
	return parts, "the VM runs with another " + join(parts, " and ") + " than the image's: event " + strings.Join(names, ", ")
}

func join(parts []tdvf.Part, sep string) string {
	var s []string
	for _, p := range parts {
		s = append(s, string(p))
	}
	return strings.Join(s, sep)
}

// rtmr0 compares the register of firmware, memory and the host's ACPI tables. The three
// digests of the tables come from the log; acpi judges them.
func (j *judgement) rtmr0(e expected) {
	found := j.RTMR[0].String()
	if e.witness == nil {
		j.add(FindingRTMR0, Open, "", found, "nothing is known of how this image's firmware uses memory")
		return
	}
	memory, why := j.memory(e.witness)
	if why != "" {
		j.add(FindingRTMR0, Open, "", found, why)
		return
	}
	hob, err := e.witness.HOB(memory)
	if err != nil {
		j.add(FindingRTMR0, Open, "", found, "vm_config's memory_size: "+err.Error())
		return
	}
	if !j.Attested[0] {
		j.rtmr0ByTables(e.witness, memory)
		return
	}
	parts, why := j.differing(0, tdvf.RTMR0Events(hob, nil))
	if len(parts) == 0 {
		j.Memory = memory
		j.add(FindingRTMR0, Proven, "", fmt.Sprintf("%s (%s of memory)", found, size(memory)), "")
		return
	}
	if slices.Contains(parts, tdvf.PartMemory) {
		why += "; vm_config says " + size(memory)
		if other := e.witness.FindMemory(j.Boot[0][0]); other != 0 {
			why += ", and the register has " + size(other)
		} else {
			why += ", and the register has no size that this firmware would be told"
		}
	}
	j.add(FindingRTMR0, Differs, "", found, why, parts...)
}

// memory returns the VM's size of memory: vm_config's, or the one whose TD HOB the log
// has. rtmr0 then compares that TD HOB with the register. why is set if there is
// neither.
func (j *judgement) memory(w *tdvf.Witness) (size uint64, why string) {
	if j.VM != nil && j.VM.Memory != 0 {
		return j.VM.Memory, ""
	}
	if !j.Attested[0] {
		return 0, "the evidence has neither the VM's size of memory nor the log of RTMR0"
	}
	if size = w.FindMemory(j.Boot[0][0]); size == 0 {
		return 0, "the evidence has no size of memory, and the TD HOB in the log is that of no usual size; vm_config has it"
	}
	return size, ""
}

// rtmr0ByTables tries the known tables if there is no log.
func (j *judgement) rtmr0ByTables(w *tdvf.Witness, memory uint64) {
	tables := j.tables
	if len(tables) == 0 {
		tables = j.ACPI
	}
	exact := len(tables) == 1
	if len(tables) == 0 {
		for _, s := range j.Shapes {
			tables = append(tables, s.ACPI)
		}
	}
	var last measure.Register
	for _, a := range tables {
		got, err := w.RTMR0(memory, a)
		if err == nil && got == j.RTMR[0] {
			j.Memory = memory
			j.Boot[0] = nil
			for _, e := range mustEvents(w, memory, a) {
				j.Boot[0] = append(j.Boot[0], e.Digest)
			}
			j.Attested[0] = true
			j.add(FindingRTMR0, Proven, "", fmt.Sprintf("%s (%s of memory)", got, size(memory)), "")
			return
		}
		last = got
	}
	if exact {
		j.add(FindingRTMR0, Differs, last.String(), j.RTMR[0].String(),
			"the VM has another firmware, another size of memory or other ACPI tables; without the whole log of RTMR0 it can't be told which", tdvf.PartFirmware, tdvf.PartMemory, tdvf.PartACPI)
		return
	}
	j.add(FindingRTMR0, Open, "", j.RTMR[0].String(),
		"the evidence has no log of RTMR0 to take the digests of the host's ACPI tables from, and none of the known tables makes it")
}

func mustEvents(w *tdvf.Witness, memory uint64, a tdvf.ACPI) []tdvf.Event {
	hob, err := w.HOB(memory)
	if err != nil {
		panic(err) // the caller has derived the register from it
	}
	return tdvf.RTMR0Events(hob, &a)
}

// size formats a size of memory for people.
func size(memory uint64) string {
	switch {
	case memory%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", memory>>30)
	case memory%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", memory>>20)
	}
	return fmt.Sprintf("%d bytes", memory)
}

// acpi judges the host's tables: pinned, published, harmless, accepted, or nobody's
// but the host's.
func (j *judgement) acpi() {
	tables, ok := j.Boot.ACPI()
	ok = ok && j.Attested[0]
	pinned := slices.Contains(j.ACPI, tables)
	shape := slices.IndexFunc(j.Shapes, func(s Shape) bool { return s.ACPI == tables })
	switch {
	case j.RTMR0Pinned && len(j.ACPI) == 0:
		j.add(FindingACPI, Proven, "", "pinned by RTMR0", "")
	case !ok && len(j.Images) == 0 && len(j.ACPI) == 0:
		// nobody asked, and there is nothing to show
	case !ok:
		j.add(FindingACPI, Open, "", "", "RTMR0 is not proven to have the 13 events of which three are the host's ACPI tables")
	case len(j.ACPI) > 0 && pinned:
		j.add(FindingACPI, Proven, "", tables.String(), "")
	case len(j.ACPI) > 0:
		var want []string
		for _, a := range j.ACPI {
			want = append(want, a.String())
		}
		j.add(FindingACPI, Differs, strings.Join(want, " or "), tables.String(), "the host gave the VM other ACPI tables than the pinned ones", tdvf.PartACPI)
	case shape >= 0:
		j.add(FindingACPI, Proven, "", "those of a VM with "+j.Shapes[shape].Name+" ("+j.Shapes[shape].Source+")", "")
	case j.Image != nil && j.Image.Sandbox != "":
		j.add(FindingACPI, Proven, "", "the host's, and the kernel keeps their byte code from private memory ("+j.Image.Sandbox+")", "")
	case j.ACPIUnchecked:
		j.add(FindingACPI, Noted, "", tables.String(), "the host's, accepted unchecked: their byte code can read and write the VM's memory where the kernel lets it")
	case len(j.Images) > 0:
		j.add(FindingACPI, Open, "", tables.String(), "the host's: it makes these tables, and their byte code can read and write the VM's memory where the kernel lets it")
	}
}
