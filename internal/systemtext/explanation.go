package systemtext

import (
	"fmt"
	"strings"

	"gitlauncher/internal/policydraft"
	"gitlauncher/internal/printable"
	"gitlauncher/policy"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/report"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
)

// Explanation is what check B derives from evidence.
type Explanation struct {
	Image    string           `json:"image"` // expected, or claimed if nothing is expected
	Hash     string           `json:"os_image_hash,omitempty"`
	Claimed  bool             `json:"claimed"` // whether the image is the evidence's own word
	Document int              `json:"document_version,omitempty"`
	Cmdline  string           `json:"cmdline,omitempty"`
	Memory   uint64           `json:"memory_bytes,omitempty"`
	VM       string           `json:"vm,omitempty"` // the host's word
	Findings []system.Finding `json:"findings"`
	Events   []Event          `json:"events"`
	Flaws    []string         `json:"flaws"`
	Policy   []string         `json:"policy"`
}

// Event is one event of a register, and what it means.
type Event struct {
	Register string       `json:"register"`
	Name     string       `json:"name"`
	Part     string       `json:"part"`
	State    system.State `json:"state"`
	Digest   string       `json:"digest"`
	Meaning  string       `json:"meaning"`
}

// Of explains check B of evidence: which image, which VM, each event of the registers,
// and the lines of a policy that would expect it. claimed says that the images are the
// evidence's own word.
func Of(e *evidence.Evidence, r *system.Result, images []system.Image, claimed bool, known *catalogue.Catalogue) *Explanation {
	x := &Explanation{Claimed: claimed, Findings: []system.Finding{}, Events: []Event{}, Flaws: []string{}, Policy: []string{}}
	x.fill(e, r, images, known)
	return x
}

// ExitCode returns check B's part of a verdict, as an exit code of package report.
func ExitCode(r *system.Result) int {
	has := make(map[system.Outcome]bool)
	for _, f := range r.Findings {
		has[f.Outcome] = true
	}
	switch {
	case has[system.Contradict]:
		return report.ExitInvalid
	case has[system.Differs]:
		return report.ExitNotAllowed
	case has[system.Open]:
		return report.ExitUndecided
	}
	return report.ExitVerified
}

func (x *Explanation) fill(e *evidence.Evidence, r *system.Result, images []system.Image, known *catalogue.Catalogue) {
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
			x.Events = append(x.Events, Event{fmt.Sprintf("RTMR%d", i), line.Name, string(line.Part), line.State, line.Found.String(), line.Meaning})
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
	policydraft.System(&w, r, known)
	x.Policy = strings.Split(strings.TrimSuffix(string(w.Bytes()), "\n"), "\n")
}

// Text returns the explanation as text for people.
func (x *Explanation) Text() string {
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
