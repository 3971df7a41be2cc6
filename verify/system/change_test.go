package system_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gitlauncher/measure"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/tdvf"
)

// masks change a byte: its lowest bit, and the case of a letter.
var masks = []byte{0x01, 0x20}

// TestEveryByteOfTheImage: each byte of the measurement document and of the checksum
// file is under the reader's hash. SECURITY.md: S1.
func TestEveryByteOfTheImage(t *testing.T) {
	in, _ := realVM(t)
	for _, later := range []system.Input{in, normalised(t)} {
		for name, part := range map[string]func(*system.VMConfig) *[]byte{
			"document":      func(c *system.VMConfig) *[]byte { return &c.Measurement },
			"checksum file": func(c *system.VMConfig) *[]byte { return &c.Checksums },
		} {
			original := *part(later.VM)
			for i := range original {
				for _, mask := range masks {
					vm := *later.VM
					changed := slices.Clone(original)
					changed[i] ^= mask
					*part(&vm) = changed
					try := later
					try.VM = &vm
					if r := system.Judge(try); r.Proven() {
						t.Fatalf("byte %d of the %s may change", i, name)
					}
					vm.ImageHash = "" // nor without the host's claim
					if r := system.Judge(try); r.Proven() {
						t.Fatalf("byte %d of the %s may change where vm_config has no os_image_hash", i, name)
					}
				}
			}
		}
	}
}

// unattested are the fields of vm_config that may say anything, and why that is no
// hole. VERIFY.md lists them, too.
var unattested = map[string]string{
	"os_image_hash":           "a claim: another value contradicts the checksum file, but it may be left out or written in capitals; the reader's hash decides",
	"memory_size":             "a claim: another size contradicts the TD HOB, but it may be left out; the TD HOB is then found among the usual sizes",
	"cpu_count":               "shown; it reaches RTMR0 by the ACPI tables alone, whose digests are a finding of their own",
	"qemu_version":            "shown; MRTD has one of two values that both are the image's, and the tables show the rest",
	"pci_hole64_size":         "not read; it reaches RTMR0 by the ACPI tables alone",
	"hugepages":               "not read; it reaches RTMR0 by the ACPI tables alone",
	"num_gpus":                "shown; it reaches RTMR0 by the ACPI tables alone",
	"num_nvswitches":          "not read; it reaches RTMR0 by the ACPI tables alone",
	"hotplug_off":             "shown; it reaches RTMR0 by the ACPI tables alone",
	"image":                   "a name that the host gives the image; the hash decides",
	"host_share_mode":         "not read; how the host hands over files that the guest measures itself",
	"ovmf_variant":            "not read; the document has the layout",
	"tdx_attestation_variant": "not read; it tells dstack's own verifier which way to take",
	"spec_version":            "not read",
	"tdx_measurement":         "its two files are under the reader's hash; its own name may change, and then the evidence has no document",
}

// TestEveryByteOfVMConfig: a change of any byte is an error or caught, but for the
// fields above. SECURITY.md: S1.
func TestEveryByteOfVMConfig(t *testing.T) {
	in, a := realVM(t)
	// Where each field stands in the text, its name and its value.
	fields := regexp.MustCompile(`"([a-z0-9_]+)":("[^"]*"|[0-9]+|true|false|\{)`).FindAllStringSubmatchIndex(a.VMConfig, -1)
	if len(fields) != 17 {
		t.Fatalf("vm_config has %d fields", len(fields))
	}
	free := make(map[string]int)
	for i := range len(a.VMConfig) {
		for _, mask := range masks {
			changed := []byte(a.VMConfig)
			changed[i] ^= mask
			vm, err := system.ParseVMConfig(changed)
			if err != nil {
				continue
			}
			try := in
			try.VM = vm
			if !system.Judge(try).Proven() {
				continue
			}
			k := slices.IndexFunc(fields, func(f []int) bool { return f[0] <= i && i < f[1] })
			if k < 0 {
				t.Fatalf("byte %d (%q) may change, and is in no field", i, a.VMConfig[i])
			}
			name := a.VMConfig[fields[k][2]:fields[k][3]]
			if unattested[name] == "" {
				t.Errorf("byte %d, in %s, may change, and nothing says why", i, name)
			}
			free[name]++
		}
	}
	for name := range unattested {
		if free[name] == 0 && name != "tdx_measurement" { // without it nothing is proven
			t.Errorf("%s is listed as unattested, and each change of it is caught", name)
		}
	}
	for _, name := range []string{"measurement", "checksum_file"} {
		if free[name] > 0 {
			t.Errorf("%s may change in %d ways", name, free[name])
		}
	}
}

// TestEveryByteOfTheLog: each digit of each digest before the operating system is in a
// register. Types, names and payloads of these entries are in none, and are not read. SECURITY.md: S1.
func TestEveryByteOfTheLog(t *testing.T) {
	in, _ := realVM(t)
	judge := func(log measure.Log) *system.Result {
		try := in
		try.Log = log
		return system.Judge(try)
	}
	var mine []int
	for i, e := range in.Log {
		if e.IMR < 3 {
			mine = append(mine, i)
		}
	}
	if len(mine) != 13+5+2 {
		t.Fatalf("%d entries of RTMR0 to RTMR2", len(mine))
	}
	for _, i := range mine {
		for k := range in.Log[i].Digest {
			log := slices.Clone(in.Log)
			digest := []byte(log[i].Digest)
			digest[k] ^= 0x01 // another digit, or none
			log[i].Digest = string(digest)
			if f, _ := judge(log).Find(system.FindingBootLog); f.Outcome != system.Contradict {
				t.Fatalf("entry %d: digit %d may change", i, k)
			}
		}
		for name, change := range map[string]func(log measure.Log) measure.Log{
			"removed":          func(log measure.Log) measure.Log { return slices.Delete(log, i, i+1) },
			"doubled":          func(log measure.Log) measure.Log { return slices.Insert(log, i, log[i]) },
			"of RTMR3":         func(log measure.Log) measure.Log { log[i].IMR = 3; return log },
			"of another below": func(log measure.Log) measure.Log { log[i].IMR = (log[i].IMR + 1) % 3; return log },
		} {
			if f, _ := judge(change(slices.Clone(in.Log))).Find(system.FindingBootLog); f.Outcome != system.Contradict {
				t.Errorf("entry %d may be %s", i, name)
			}
		}
		log := slices.Clone(in.Log)
		log[i].EventType, log[i].Event, log[i].Payload, log[i].Version, log[i].Preimage = 7, "somebody's word", "00", 9, "00"
		if r := judge(log); !r.Proven() {
			t.Errorf("entry %d: what is in no register is read:\n%s", i, outcomes(r))
		}
	}
	last := mine[len(mine)-1]
	log := append(append(measure.Log{}, in.Log[last]), slices.Delete(slices.Clone(in.Log), last, last+1)...)
	if f, _ := judge(log).Find(system.FindingBootLog); f.Outcome != system.Contradict {
		t.Error("the last entry of a register may come first")
	}
	if r := judge(nil); r.Proven() { // the published tables still prove RTMR0
		f, _ := r.Find(system.FindingACPI)
		t.Logf("without a log: %s", f.Found)
	} else {
		t.Errorf("without a log the published tables should do:\n%s", outcomes(r))
	}
}

// host is a VM as a host could run it: the real one with something else in it, and a
// log and quote that tell the truth about that.
func host(t *testing.T, change func(boot *tdvf.Boot)) system.Input {
	in, _ := realVM(t)
	boot := must(tdvf.ReadBoot(in.Log))
	change(&boot)
	in.Log = nil
	for i := range boot {
		for _, digest := range boot[i] {
			in.Log = append(in.Log, measure.Entry{IMR: uint32(i), Digest: digest.String()})
		}
		in.RTMR[i] = boot.Replay(i)
	}
	return in
}

// TestPartsAreNamed: what differs is named by what it is of, not only by its register. SECURITY.md: S1.
func TestPartsAreNamed(t *testing.T) {
	other := measure.Register{1}
	for _, c := range []struct {
		name    string
		change  func(*tdvf.Boot)
		finding string
		parts   []tdvf.Part
		why     string
	}{
		{"kernel", func(b *tdvf.Boot) { b[1][0] = other }, system.FindingRTMR1, []tdvf.Part{tdvf.PartKernel}, "event kernel"},
		{"command line", func(b *tdvf.Boot) { b[2][0] = other }, system.FindingRTMR2, []tdvf.Part{tdvf.PartCmdline}, "event command line"},
		{"initrd", func(b *tdvf.Boot) { b[2][1] = other }, system.FindingRTMR2, []tdvf.Part{tdvf.PartInitrd}, "event initrd"},
		{"command line and initrd", func(b *tdvf.Boot) { b[2][0], b[2][1] = other, other }, system.FindingRTMR2, []tdvf.Part{tdvf.PartCmdline, tdvf.PartInitrd}, "command line and initrd"},
		{"an event more", func(b *tdvf.Boot) { b[2] = append(b[2], other) }, system.FindingRTMR2, []tdvf.Part{tdvf.PartFirmware}, "holds 3 events, and the image's firmware writes 2"},
		{"memory", func(b *tdvf.Boot) { b[0][0] = other }, system.FindingRTMR0, []tdvf.Part{tdvf.PartMemory}, "no size that this firmware would be told"},
		{"secure boot", func(b *tdvf.Boot) { b[0][2] = other }, system.FindingRTMR0, []tdvf.Part{tdvf.PartFirmware}, "event SecureBoot"},
		{"boot entry", func(b *tdvf.Boot) { b[0][12] = other }, system.FindingRTMR0, []tdvf.Part{tdvf.PartFirmware}, "event Boot0000"},
		{"17 events", func(b *tdvf.Boot) { b[0] = append(b[0], other, other, other, other) }, system.FindingRTMR0, []tdvf.Part{tdvf.PartFirmware}, "holds 17 events, and the image's firmware writes 13"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := system.Judge(host(t, c.change))
			f, _ := r.Find(c.finding)
			if f.Outcome != system.Differs || !slices.Equal(f.Parts, c.parts) || !strings.Contains(f.Why, c.why) {
				t.Errorf("%s: %+v\n%s", c.finding, f, outcomes(r))
			}
			if _, there := r.Find(system.FindingBootLog); there {
				t.Errorf("the log was made to tell the truth:\n%s", outcomes(r))
			}
		})
	}
	t.Run("another size of memory", func(t *testing.T) {
		for memory, said := range map[uint64]string{8 << 30: "8 GiB", 2560 << 20: "2560 MiB", 2<<30 + 4096: "2147487744 bytes"} {
			in, _ := realVM(t)
			vm := *in.VM
			vm.Memory = memory
			in.VM = &vm
			f, _ := system.Judge(in).Find(system.FindingRTMR0)
			if f.Outcome != system.Differs || !slices.Equal(f.Parts, []tdvf.Part{tdvf.PartMemory}) || !strings.HasSuffix(f.Why, "vm_config says "+said+", and the register has 2 GiB") {
				t.Errorf("%s: %+v", said, f)
			}
		}
	})
	t.Run("firmware", func(t *testing.T) {
		in, _ := realVM(t)
		in.MRTD = other
		f, _ := system.Judge(in).Find(system.FindingMRTD)
		if f.Outcome != system.Differs || !slices.Equal(f.Parts, []tdvf.Part{tdvf.PartFirmware}) {
			t.Errorf("%+v", f)
		}
	})
	t.Run("without a log", func(t *testing.T) {
		in, _ := realVM(t)
		acpi := must(acpiOf(system.Judge(in)))
		in.Log, in.ACPI, in.RTMR = nil, []tdvf.ACPI{acpi}, [3]measure.Register{other, other, other}
		r := system.Judge(in)
		for name, parts := range map[string][]tdvf.Part{
			system.FindingRTMR0: {tdvf.PartFirmware, tdvf.PartMemory, tdvf.PartACPI}, system.FindingRTMR1: {tdvf.PartKernel},
			system.FindingRTMR2: {tdvf.PartCmdline, tdvf.PartInitrd},
		} {
			if f, _ := r.Find(name); f.Outcome != system.Differs || !slices.Equal(f.Parts, parts) {
				t.Errorf("%s: %+v", name, f)
			}
		}
	})
}

// TestAppendedLine: anyone who answers can append a line to the checksum file, and so
// make an image hash of their own with their own document. That hash is not the
// reader's. SECURITY.md: S1.
func TestAppendedLine(t *testing.T) {
	in, a := realVM(t)
	forged := append(slices.Clone(in.VM.Checksums), []byte(strings.Repeat("a", 64)+"  another.file\n")...)
	sum := fmt.Sprintf("%x", sha256.Sum256(forged))
	text := strings.Replace(a.VMConfig, base64.StdEncoding.EncodeToString(in.VM.Checksums), base64.StdEncoding.EncodeToString(forged), 1)
	in.VM = must(system.ParseVMConfig([]byte(strings.Replace(text, realHash, sum, 1))))
	r := system.Judge(in)
	f, _ := r.Find(system.FindingImage)
	if f.Outcome != system.Differs || f.Found != sum || f.Want != realHash {
		t.Errorf("%+v", f)
	}
}
