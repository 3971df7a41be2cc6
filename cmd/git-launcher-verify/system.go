package main

import (
	"fmt"
	"io"
	"strings"

	"gitlauncher/internal/printable"
	"gitlauncher/policy"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
)

// exitNotAllowed is of evidence that is genuine, but not what is expected.
const exitNotAllowed = 4

// explained is what check B makes of an evidence, for --json.
type explained struct {
	Image    string           `json:"image"` // expected, or claimed where nothing is expected
	Hash     string           `json:"os_image_hash,omitempty"`
	Claimed  bool             `json:"claimed"` // whether the image is the evidence's own word
	Document int              `json:"document_version,omitempty"`
	Cmdline  string           `json:"cmdline,omitempty"`
	Memory   uint64           `json:"memory_bytes,omitempty"`
	VM       string           `json:"vm,omitempty"` // the host's word
	Findings []system.Finding `json:"findings"`
	Events   []explainedEvent `json:"events"`
	Flaws    []string         `json:"flaws"`
	Policy   []string         `json:"policy"`
}

type explainedEvent struct {
	Register string       `json:"register"`
	Name     string       `json:"name"`
	Part     string       `json:"part"`
	State    system.State `json:"state"`
	Digest   string       `json:"digest"`
	Meaning  string       `json:"meaning"`
}

// system explains check B of an evidence: which image, which VM, each event of the
// registers, and the lines of a policy that would expect it.
func (p *program) system(s *settings) (int, error) {
	e, err := p.evidence(s)
	if err != nil {
		return 0, err
	}
	q, err := quote.Parse(e.Quote)
	if err != nil {
		return 0, &invalidError{err}
	}
	images, err := boot.Images(s.policy, s.systems)
	if err != nil {
		return 0, &usageError{err}
	}
	out := explained{Claimed: len(images) == 0, Findings: []system.Finding{}, Events: []explainedEvent{}, Flaws: []string{}, Policy: []string{}}
	if out.Claimed {
		image, ok := boot.Claimed(e, q, s.systems)
		if !ok {
			image = system.Image{Name: "unknown"}
		}
		images = []system.Image{image}
	}
	r, err := boot.Derive(e, q, images, s.policy, s.systems)
	if err != nil {
		p.warn(err)
	}
	out.fill(e, r, images, s.systems)
	if s.json {
		err = p.printJSON(out)
	} else {
		_, err = io.WriteString(p.stdout, out.text())
	}
	return codeOf(r), err
}

// codeOf is check B's part of a verdict.
func codeOf(r *system.Result) int {
	has := make(map[system.Outcome]bool)
	for _, f := range r.Findings {
		has[f.Outcome] = true
	}
	switch {
	case has[system.Contradict]:
		return exitInvalid
	case has[system.Differs]:
		return exitNotAllowed
	case has[system.Open]:
		return exitUndecided
	}
	return exitVerified
}

func (x *explained) fill(e *evidence.Evidence, r *system.Result, images []system.Image, known *catalogue.Catalogue) {
	image := images[0]
	if r.Image != nil {
		image = *r.Image
	}
	x.Image, x.Hash, x.Memory, x.Findings = image.Name, image.Hash, r.Memory, r.Findings
	if r.Document != nil {
		x.Document, x.Cmdline = r.Document.Version, r.Document.Cmdline
	}
	if vm, err := system.ParseVMConfig(e.VMConfig); err == nil {
		x.VM = fmt.Sprintf("vCPUs %d, GPUs %d, QEMU %s", vm.CPUs, vm.GPUs, vm.QEMU)
	}
	for i := range 3 {
		for _, line := range r.Explain(i) {
			x.Events = append(x.Events, explainedEvent{fmt.Sprintf("RTMR%d", i), line.Name, string(line.Part), line.State, line.Found.String(), line.Meaning})
		}
	}
	entry, ok := known.ByHash(image.Hash)
	if !ok {
		entry, _ = known.ByName(image.Name)
	}
	for _, f := range entry.Flaws {
		word := f.ID + ": " + f.What
		if f.Unclear != nil {
			word = f.ID + " (not published whether): " + f.What
		}
		x.Flaws = append(x.Flaws, word)
	}
	var w policy.Writer
	systemPolicy(&w, r, known)
	x.Policy = strings.Split(strings.TrimSuffix(string(w.Bytes()), "\n"), "\n")
}

// systemPolicy expects the system of a result by its image, and reports whether that
// proves all of the registers.
func systemPolicy(w *policy.Writer, r *system.Result, known *catalogue.Catalogue) bool {
	for _, name := range []string{system.FindingMRTD, system.FindingRTMR0, system.FindingRTMR1, system.FindingRTMR2} {
		if f, ok := r.Find(name); !ok || f.Outcome != system.Proven {
			w.Comment("(the registers are not derivable from an image here; MRTD= and RTMR0= to RTMR2= pin their values)")
			return false
		}
	}
	image := *r.Image
	if image.Name != "" {
		w.Line("OS_IMAGE", image.Name)
	} else {
		w.Comment("the image's os_image_hash, from its release page or from whoever built it:")
		w.Line("OS_IMAGE_HASH", image.Hash)
	}
	tables, ok := r.Boot.ACPI()
	if f, _ := r.Find(system.FindingACPI); ok && f.Outcome != system.Proven {
		w.Comment("the ACPI tables that this host made; their digests change with the kind of VM:")
		w.Line("ACPI_TABLES", tables.String())
	}
	entry, known2 := known.ByHash(image.Hash)
	if !known2 {
		entry, _ = known.ByName(image.Name)
	}
	for _, f := range entry.Flaws {
		w.Comment("this system has a known flaw, or perhaps has it: " + f.What + ". To accept it:")
		w.Comment("ACCEPT_ADVISORY=" + f.ID)
	}
	return true
}

// text is for people.
func (x *explained) text() string {
	var b strings.Builder
	line := func(name, text string) { fmt.Fprintf(&b, "%-13s %s\n", name, printable.Text(text)) }
	fmt.Fprintf(&b, "Check B, explained. Whether the quote is genuine is not judged here.\n\n")
	whose := "expected"
	if x.Claimed {
		whose = "what the evidence says it is"
	}
	line("image", strings.TrimSpace(x.Image+" "+x.Hash)+" ("+whose+")")
	if x.Document != 0 {
		line("document", fmt.Sprintf("version %d", x.Document))
	}
	if x.Cmdline != "" {
		line("command line", x.Cmdline)
	}
	if x.VM != "" {
		line("VM", x.VM+" (the host's word)")
	}
	if x.Memory != 0 {
		line("memory", fmt.Sprintf("%d MiB (RTMR0)", x.Memory>>20))
	}
	for _, flaw := range x.Flaws {
		line("flaw", flaw)
	}
	b.WriteString("\n")
	for _, f := range x.Findings {
		line(f.Name, fmt.Sprintf("%-10s %s", f.Outcome, f.Found))
		if f.Want != "" {
			line("", "           expected "+f.Want)
		}
		if f.Why != "" {
			line("", "           "+f.Why)
		}
	}
	last := ""
	for _, e := range x.Events {
		if e.Register != last {
			fmt.Fprintf(&b, "\n%s, event by event\n", e.Register)
			last = e.Register
		}
		fmt.Fprintf(&b, "  %-13s %-8s %s  %s\n", e.Name, e.State, e.Digest, e.Meaning)
	}
	fmt.Fprintf(&b, "\nAs a policy\n")
	for _, l := range x.Policy {
		fmt.Fprintln(&b, "  "+printable.Text(l))
	}
	return b.String()
}

// systems lists the catalogue.
func (p *program) listSystems(s *settings) error {
	var b strings.Builder
	fmt.Fprintln(&b, "Systems that OS_IMAGE can name. VERIFY.md says what this list vouches for.")
	for _, image := range s.systems.Images {
		fmt.Fprintf(&b, "\n%s\n", image.Name)
		if image.Hash != "" {
			fmt.Fprintln(&b, "  os_image_hash", image.Hash)
		}
		for _, set := range image.Sets {
			fmt.Fprintf(&b, "  registers on QEMU %s:", set.Generation)
			for _, r := range []struct {
				name string
				is   bool
			}{{"MRTD", set.MRTD != nil}, {"RTMR0", set.Witness != nil}, {"RTMR1", set.RTMR1 != nil}, {"RTMR2", set.RTMR2 != nil}} {
				if r.is {
					b.WriteString(" " + r.name)
				}
			}
			fmt.Fprintf(&b, " (%s)\n", set.Source)
		}
		for _, f := range image.Flaws {
			if f.Unclear != nil {
				fmt.Fprintf(&b, "  perhaps %s: %s (%s)\n", f.ID, f.What, f.Unclear)
			} else {
				fmt.Fprintf(&b, "  flaw %s: %s (%s)\n", f.ID, f.What, f.Flaw.Source)
			}
		}
		fmt.Fprintln(&b, "  source", image.Source)
	}
	fmt.Fprintln(&b, "\nACPI tables that are known:")
	for _, shape := range s.systems.Shapes {
		fmt.Fprintf(&b, "  %s (%s)\n", shape.Name, shape.Source)
	}
	_, err := io.WriteString(p.stdout, b.String())
	return err
}
