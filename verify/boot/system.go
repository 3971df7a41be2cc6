package boot

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
	"gitlauncher/verify/system/tdvf"
)

// Images returns the images that a policy accepts, by name or by hash. It also returns
// an error if the catalogue lacks a name.
func Images(p *policy.Policy, known *catalogue.Catalogue) ([]system.Image, error) {
	var images []system.Image
	var err error
	for _, name := range p.OSImage.Texts() {
		image, ok := known.ByName(name)
		if !ok {
			err = errors.Join(err, fmt.Errorf("the catalogue has no system %.80q", name))
			continue
		}
		images = append(images, image.Image)
	}
	for _, hash := range p.OSImageHash.Texts() {
		image, ok := known.ByHash(hash)
		if !ok {
			image.Hash = hash
		}
		images = append(images, image.Image)
	}
	return images, err
}

// Derive compares the system that a quote attests with the images, and the host's ACPI
// tables with what the policy says of them. An error says that the evidence's vm_config
// can't be read; the result then does without it.
func Derive(e *evidence.Evidence, q *quote.Quote, images []system.Image, p *policy.Policy, known *catalogue.Catalogue) (*system.Result, error) {
	in := system.Input{
		MRTD: q.MRTD, RTMR: [3]measure.Register(q.RTMR[:3]), Log: e.Log, Images: images, Shapes: known.Shapes,
		RTMR0Pinned: p.RTMR0.Allows(q.RTMR[0].String()) || slices.ContainsFunc(p.System.Values(), func(s policy.System) bool { return s.RTMR0 == q.RTMR[0] && s.MRTD == q.MRTD }),
	}
	for _, tables := range p.ACPITables.Values() {
		if tables.Unchecked() {
			in.ACPIUnchecked = true
		} else {
			in.ACPI = append(in.ACPI, tdvf.ACPI(*tables.Digests))
		}
	}
	var err error
	if e.VMConfig != nil {
		in.VM, err = system.ParseVMConfig(e.VMConfig)
	}
	return system.Judge(in), err
}

// system derives the registers of the images that the policy accepts.
func (j judge) system(c report.Check, q *quote.Quote) *system.Result {
	images, err := Images(c.Policy, j.systems)
	if err != nil {
		c.Undecided(system.FindingImage, c.Policy.OSImage.String(), "", err.Error()+": “git-launcher-verify systems” lists them, and --systems FILE adds some")
	}
	s, err := Derive(j.evidence, q, images, c.Policy, j.systems)
	if err != nil && len(images) > 0 {
		c.Note("vm_config", "", err.Error()+"; it is the host's word, and what needs it is open")
	}
	return s
}

// derived maps the outcomes of package system to those of a report.
var derived = map[system.Outcome]report.Outcome{
	system.Proven: report.Pass, system.Noted: report.Note, system.Open: report.Undecided, system.Differs: report.NotAllowed, system.Contradict: report.Invalid,
}

// derivation adds those of package system's findings that have one of the names.
func derivation(c report.Check, s *system.Result, names ...string) {
	for _, f := range s.Findings {
		if !slices.Contains(names, f.Name) {
			continue
		}
		name, why := f.Name, f.Why
		if slices.Contains(registerNames[:], name) && (pin(c.Policy, name).Given() || c.Policy.System.Given()) {
			name += " of the OS image"
		}
		var settle []string
		if f.Name == system.FindingACPI {
			if f.Outcome == system.Open {
				why += ". RTMR0 pins the whole register, and ACPI_TABLES=unchecked accepts them"
				settle = report.Line("ACPI_TABLES", f.Found)
			}
			if f.Outcome == system.Noted {
				c.Accept("the host's ACPI tables")
			}
		}
		c.Add(report.Finding{Name: name, Outcome: derived[f.Outcome], Expected: f.Want, Found: f.Found, Why: why, Settle: settle})
	}
}

// pin returns what the policy expects of a register's value.
func pin(by *policy.Policy, name string) policy.Expectation {
	switch name {
	case system.FindingRTMR0:
		return &by.RTMR0
	case system.FindingRTMR1:
		return &by.RTMR1
	case system.FindingRTMR2:
		return &by.RTMR2
	}
	return &by.MRTD
}

// image returns what the catalogue knows about the OS image that was booted: the one
// that was compared, or the one with the quote's RTMR2.
func (j judge) image(q *quote.Quote, s *system.Result) (image catalogue.Image, known bool) {
	if s.Image == nil {
		return j.systems.ByRTMR2(q.RTMR[2])
	}
	if image, known = j.systems.ByHash(s.Image.Hash); !known {
		image, known = j.systems.ByName(s.Image.Name)
	}
	return image, known
}

// kind says whether the OS image lets anybody log in. dstack's development images do:
// they have an SSH server, and “dev” in their names (dstack-dev-0.5.15,
// dstack-nvidia-dev-0.5.15). Other images have it as a flaw in the catalogue.
func (j judge) kind(q *quote.Quote, s *system.Result) compose.System {
	switch image, known := j.image(q, s); {
	case !known:
		return compose.Unknown
	case slices.Contains(strings.Split(image.Name, "-"), "dev"),
		slices.ContainsFunc(image.Flaws, func(f catalogue.ImageFlaw) bool { return f.ID == catalogue.DevImage }):
		return compose.Development
	}
	return compose.Production
}

// flaws judges what is known to be wrong with the system, however the reader named it.
func (j judge) flaws(c report.Check, q *quote.Quote, s *system.Result) {
	const name = "advisories"
	image, known := j.image(q, s)
	switch {
	case !known && s.Image != nil:
		c.Note(name, s.Image.String(), "the catalogue of systems does not have it, so its flaws are not known here")
	case known && len(image.Flaws) == 0:
		c.Pass(name, "none known of "+image.Name)
	}
	if !known {
		return
	}
	for _, flaw := range image.Flaws {
		found := image.Name + ": " + flaw.ID
		switch {
		case c.Policy.AcceptAdvisory.Allows(flaw.ID):
			c.Note(name, found, "accepted: "+flaw.What)
			c.Accept(flaw.ID)
		case flaw.Unclear != nil:
			c.Undecided(name, "", found, fmt.Sprintf("it is not published whether this system has it (%s): %s", flaw.Unclear, flaw.What), report.Line("ACCEPT_ADVISORY", flaw.ID)...)
		default:
			c.NotAllowed(name, "a system without known flaws", found, fmt.Sprintf("%s (%s); ACCEPT_ADVISORY=%s accepts it", flaw.What, flaw.Source, flaw.ID))
		}
	}
}

// Claimed returns the image that the evidence claims to come from: by the checksum file
// beside its measurement document, or by its command line and initrd. It is a claim
// until [Derive] proves it.
func Claimed(e *evidence.Evidence, q *quote.Quote, known *catalogue.Catalogue) (system.Image, bool) {
	if vm, err := system.ParseVMConfig(e.VMConfig); err == nil && vm.Checksums != nil {
		hash := fmt.Sprintf("%x", system.ImageHash(vm.Checksums))
		if image, ok := known.ByHash(hash); ok {
			return image.Image, true
		}
		return system.Image{Hash: hash}, true
	}
	image, ok := known.ByRTMR2(q.RTMR[2])
	return image.Image, ok
}

// suggestion returns the policy lines for the system that the evidence claims to come
// from.
func (j judge) suggestion(q *quote.Quote) []string {
	image, ok := Claimed(j.evidence, q, j.systems)
	switch {
	case !ok:
		return nil
	case image.Name != "":
		return report.Line("OS_IMAGE", image.Name)
	}
	return report.Line("OS_IMAGE_HASH", image.Hash)
}
