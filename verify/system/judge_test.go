package system_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"gitlauncher/measure"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/tdvf"
)

// withDocument returns the real input with another document, under a hash that covers
// it.
func withDocument(t testing.TB, change func(map[string]any)) system.Input {
	t.Helper()
	in, _ := realVM(t)
	var doc map[string]any
	mode := must(cbor.DecOptions{DefaultMapType: nil}.DecMode())
	if err := mode.Unmarshal(in.VM.Measurement, &doc); err != nil {
		t.Fatal(err)
	}
	change(doc)
	return ship(in, must(cbor.Marshal(doc)))
}

// ship puts a document into an image of its own.
func ship(in system.Input, document []byte) system.Input {
	vm := *in.VM
	vm.Measurement = document
	vm.Checksums = fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(document), system.MeasurementFile)
	vm.ImageHash = fmt.Sprintf("%x", sha256.Sum256(vm.Checksums))
	in.VM, in.Images = &vm, []system.Image{{Hash: vm.ImageHash}}
	return in
}

func image(doc map[string]any) map[any]any    { return doc["image"].(map[any]any) }
func firmware(doc map[string]any) map[any]any { return doc["tdvf"].(map[any]any) }

// TestOutcomes names how each kind of evidence comes out. SECURITY.md: S2.
func TestOutcomes(t *testing.T) {
	in, _ := realVM(t)
	set := system.Set{Generation: system.Generation8, MRTD: &in.MRTD, RTMR1: &in.RTMR[1], RTMR2: &in.RTMR[2], Witness: &system.Judge(in).Document.Witness, Source: "a test"}
	other := measure.Register{1}
	vm := func(change func(*system.VMConfig)) func(*system.Input) {
		return func(in *system.Input) { c := *in.VM; change(&c); in.VM = &c }
	}
	noDocument := vm(func(c *system.VMConfig) { c.Measurement, c.Checksums = nil, nil })
	published := func(s system.Set) func(*system.Input) {
		return func(in *system.Input) {
			noDocument(in)
			in.Images = []system.Image{{Name: "known", Sets: []system.Set{s}}}
		}
	}
	both := func(fs ...func(*system.Input)) func(*system.Input) {
		return func(in *system.Input) {
			for _, f := range fs {
				f(in)
			}
		}
	}
	onePass := func(in *system.Input) { in.MRTD = system.Judge(*in).Document.SinglePass }
	otherKernel := func(in *system.Input) { in.RTMR[1] = other }
	set102 := set
	set102.Generation, set102.RTMR1 = system.Generation102, &other
	for _, c := range []struct {
		name    string
		change  func(*system.Input)
		finding string
		want    system.Outcome
		why     string
	}{
		{"nobody said which image", func(in *system.Input) { in.Images = nil }, system.FindingImage, "", ""},
		{"another image", func(in *system.Input) { in.Images[0].Hash = strings.Repeat("a", 64) }, system.FindingImage, system.Differs, "another image"},
		{"vm_config contradicts itself", vm(func(c *system.VMConfig) { c.ImageHash = strings.Repeat("a", 64) }), system.FindingImage, system.Contradict, "than its own checksum file makes"},
		{"no document and nothing known", noDocument, system.FindingImage, system.Open, "no measurement document"},
		{"no vm_config and nothing known", func(in *system.Input) { in.VM = nil }, system.FindingImage, system.Open, "not all evidence has vm_config"},
		{"no document, registers open", noDocument, system.FindingMRTD, system.Open, "without the image's measurements"},
		{"known registers", published(set), system.FindingRTMR2, system.Proven, ""},
		{"known registers, another hash claimed", both(published(set), func(in *system.Input) { in.Images[0].Hash = strings.Repeat("a", 64) }), system.FindingImage, system.Noted, "the registers decide"},
		{"known registers, another kernel", both(published(set), func(in *system.Input) { in.RTMR[1] = other }), system.FindingRTMR1, system.Differs, "another kernel"},
		{"known registers, another root", both(published(set), func(in *system.Input) { in.RTMR[2] = other }), system.FindingRTMR2, system.Differs, "command line or initrd"},
		{"known registers, another firmware", both(published(set), func(in *system.Input) { in.MRTD = other }), system.FindingMRTD, system.Differs, "another firmware"},
		{"known registers of another QEMU", both(published(set), func(in *system.Input) { in.MRTD = other }, vm(func(c *system.VMConfig) { c.QEMU = "9.2.1" })), system.FindingMRTD, system.Open, "generation of QEMU"},
		{"known registers, no QEMU named", both(published(set), func(in *system.Input) { in.MRTD = other }, vm(func(c *system.VMConfig) { c.QEMU = "" })), system.FindingMRTD, system.Open, "nothing names the version"},
		{"known kernel of another QEMU", both(published(set102), func(in *system.Input) { in.RTMR[1] = measure.Register{2} }), system.FindingRTMR1, system.Open, "generation of QEMU"},
		{"MRTD proves the generation", both(published(set), func(in *system.Input) { in.RTMR[1] = other }, vm(func(c *system.VMConfig) { c.QEMU = "10.2.1" })), system.FindingRTMR1, system.Differs, "another kernel"},
		{"nothing known but MRTD", published(system.Set{Generation: system.Generation8, MRTD: &in.MRTD}), system.FindingRTMR1, system.Open, "no value of it is known"},
		{"nothing known of memory", published(system.Set{Generation: system.Generation8, MRTD: &in.MRTD}), system.FindingRTMR0, system.Open, "how this image's firmware uses memory"},
		{"no MRTD known", published(system.Set{Generation: system.Generation8, RTMR1: &in.RTMR[1]}), system.FindingMRTD, system.Open, "no value of it is known"},
		{"little memory", both(vm(func(c *system.VMConfig) { c.Memory = 1 << 30 }), func(in *system.Input) { in.RTMR[1] = other }), system.FindingRTMR1, system.Open, "below 2816 MiB"},
		{"new QEMU, kernel not normalised", both(vm(func(c *system.VMConfig) { c.QEMU = "10.2.0" }), func(in *system.Input) { in.RTMR[1] = other; in.MRTD = system.Judge(*in).Document.SinglePass }), system.FindingRTMR1, system.Open, "generation of QEMU"},
		{"QEMU against MRTD", both(onePass, otherKernel), system.FindingRTMR1, system.Open, "generation of QEMU"},
		{"QEMU as MRTD has it", both(onePass, vm(func(c *system.VMConfig) { c.QEMU = "9.2.1" }), otherKernel), system.FindingRTMR1, system.Differs, "another kernel"},
		{"QEMU, and no MRTD to compare it with", both(func(in *system.Input) { in.MRTD = other }, vm(func(c *system.VMConfig) { c.QEMU = "9.2.1" }), otherKernel), system.FindingRTMR1, system.Differs, "another kernel"},
		{"no QEMU named", both(onePass, vm(func(c *system.VMConfig) { c.QEMU = "" }), otherKernel), system.FindingRTMR1, system.Open, "nothing names the version"},
		{"impossible memory", vm(func(c *system.VMConfig) { c.Memory = 4097 }), system.FindingRTMR0, system.Open, "can't have 4097 bytes"},
		{"no memory and no log", both(vm(func(c *system.VMConfig) { c.Memory = 0 }), func(in *system.Input) { in.Log = nil }), system.FindingRTMR0, system.Open, "neither the VM's size of memory nor the log"},
		{"tables pinned to others", func(in *system.Input) { in.ACPI = []tdvf.ACPI{{other}} }, system.FindingACPI, system.Differs, "other ACPI tables than the pinned"},
		{"tables pinned, no image, no log", func(in *system.Input) { in.Images, in.Log, in.ACPI = nil, nil, []tdvf.ACPI{{other}} }, system.FindingACPI, system.Open, "not proven to have the 13 events"},
		{"no tables pinned, no image, no log", func(in *system.Input) { in.Images, in.Log = nil, nil }, system.FindingACPI, "", ""},
		{"tables of nobody", func(in *system.Input) { in.Shapes = nil }, system.FindingACPI, system.Open, "the host's"},
		{"tables accepted", func(in *system.Input) { in.Shapes, in.ACPIUnchecked = nil, true }, system.FindingACPI, system.Noted, "accepted unchecked"},
		{"tables and a sandbox", func(in *system.Input) { in.Shapes, in.Images[0].Sandbox = nil, "a test" }, system.FindingACPI, system.Proven, ""},
		{"tables by RTMR0", func(in *system.Input) { in.Shapes, in.RTMR0Pinned = nil, true }, system.FindingACPI, system.Proven, ""},
		{"tables of a log that lies", func(in *system.Input) { in.RTMR[0] = other }, system.FindingACPI, system.Open, "not proven to have the 13 events"},
		{"half a digest in the log", func(in *system.Input) { in.Log = measure.Log{{IMR: 1, Digest: "00"}} }, system.FindingBootLog, system.Contradict, "has no digest"},
		{"a log without digests", func(in *system.Input) { in.Log, in.Shapes = append(in.Log, measure.Entry{IMR: 1}), nil }, system.FindingRTMR0, system.Open, "no log of RTMR0"},
		{"a log that is not the quote's", func(in *system.Input) { in.RTMR[2] = other }, system.FindingBootLog, system.Contradict, "does not make RTMR2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			try, _ := realVM(t)
			c.change(&try)
			r := system.Judge(try)
			f, there := r.Find(c.finding)
			if f.Outcome != c.want || there == (c.want == "") || !strings.Contains(f.Why, c.why) {
				t.Errorf("%s: %+v, want %s, %q\n%s", c.finding, f, c.want, c.why, outcomes(r))
			}
			if r.Proven() != (c.want == system.Proven && c.finding == system.FindingACPI || c.want == system.Noted || c.want == "" || c.name == "known registers") {
				t.Errorf("proven: %v\n%s", r.Proven(), outcomes(r))
			}
		})
	}
}

// TestNearestSet: of several sets of registers, and of several images, the one that
// agrees best is compared, so that a difference is reported against that one.
func TestNearestSet(t *testing.T) {
	in, _ := realVM(t)
	w := system.Judge(in).Document.Witness
	vm := *in.VM
	vm.Measurement, vm.Checksums = nil, nil
	in.VM = &vm
	other := measure.Register{1}
	mine := system.Set{Generation: system.Generation8, MRTD: &in.MRTD, RTMR1: &in.RTMR[1], RTMR2: &in.RTMR[2], Witness: &w}
	none := system.Set{Generation: system.Generation8, MRTD: &other, RTMR1: &other, RTMR2: &other, Witness: &w}
	half := system.Set{Generation: system.Generation9, MRTD: &other, RTMR1: &other, RTMR2: &in.RTMR[2], Witness: &w}
	for name, images := range map[string][]system.Image{
		"the last image": {{Name: "a", Sets: []system.Set{none}}, {Name: "b", Sets: []system.Set{half}}, {Name: "mine", Sets: []system.Set{mine}}},
		"the first":      {{Name: "mine", Sets: []system.Set{mine}}, {Name: "a", Sets: []system.Set{none}}},
		"the last set":   {{Name: "mine", Sets: []system.Set{half, mine}}},
	} {
		in.Images = images
		if r := system.Judge(in); !r.Proven() || r.Image.Name != "mine" {
			t.Errorf("%s:\n%s", name, outcomes(r))
		}
	}
	in.Images = []system.Image{{Name: "a", Sets: []system.Set{none}}, {Name: "b", Sets: []system.Set{half}}}
	if r := system.Judge(in); r.Proven() || r.Image.Name != "b" {
		t.Errorf("the nearest is %s:\n%s", r.Image, outcomes(r))
	}
}

// TestDocuments names what is wrong with a document that the reader's hash covers: no
// register is derived from it, and it is no contradiction. SECURITY.md: S2.
func TestDocuments(t *testing.T) {
	digest := make([]byte, 48)
	const root = "dstack.rootfs_hash=00"
	for _, c := range []struct {
		name   string
		change func(map[string]any)
		why    string
	}{
		{"version 5", func(d map[string]any) { d["version"] = 5 }, "version 5 is not known"},
		{"version 2", func(d map[string]any) { d["version"] = 2 }, "version 2 is not known"},
		{"no version", func(d map[string]any) { delete(d, "version") }, "version 0 is not known"},
		{"an unknown field", func(d map[string]any) { image(d)["modules"] = 1 }, "unknown field"},
		{"a field in capitals", func(d map[string]any) { d["Tdvf"] = d["tdvf"]; delete(d, "tdvf") }, "unknown field"},
		{"a short digest", func(d map[string]any) { image(d)["initrd_sha384"] = digest[:47] }, "initrd_sha384 has 47 bytes"},
		{"a long digest", func(d map[string]any) { image(d)["kernel_authenticode"] = append(digest, 0) }, "kernel_authenticode has 49 bytes"},
		{"no digest", func(d map[string]any) { delete(firmware(d)["mrtd"].(map[any]any), "two_pass") }, "two_pass has 0 bytes"},
		{"a digest as text", func(d map[string]any) { image(d)["initrd_sha384"] = string(digest) }, "cannot unmarshal"},
		{"another layout", func(d map[string]any) { firmware(d)["ovmf"] = "stable202505" }, `layout "stable202505" is not known`},
		{"no memory ranges", func(d map[string]any) { delete(firmware(d), "td_hob") }, "memory ranges"},
		{"version 3 with a command line", func(d map[string]any) { image(d)["cmdline"] = root }, "version 3 needs cmdline_sha384"},
		{"version 3 with neither", func(d map[string]any) { delete(image(d), "cmdline_sha384") }, "version 3 needs cmdline_sha384"},
		{"version 4 with a digest", func(d map[string]any) { d["version"] = 4; image(d)["cmdline"] = root }, "version 4 needs cmdline"},
		{"version 4 with neither", func(d map[string]any) { d["version"] = 4; delete(image(d), "cmdline_sha384") }, "version 4 needs cmdline"},
		{"no root file system", func(d map[string]any) { v4(d, "console=ttyS0") }, "exactly once"},
		{"two root file systems", func(d map[string]any) { v4(d, root+" "+root) }, "exactly once"},
		{"a NUL", func(d map[string]any) { v4(d, root+"\x00") }, "NUL"},
		{"2049 bytes", func(d map[string]any) { v4(d, root+strings.Repeat(" ", 2049-len(root))) }, "cmdline has 2049 bytes, and Linux reads 2048"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, _ := system.Judge(withDocument(t, c.change)).Find(system.FindingImage)
			if f.Outcome != system.Open || !strings.Contains(f.Why, c.why) {
				t.Errorf("%+v, want %q", f, c.why)
			}
		})
	}
	t.Run("an unknown version of a known image", func(t *testing.T) {
		known, _ := realVM(t)
		in := withDocument(t, func(d map[string]any) { d["version"] = 5 })
		in.Images[0].Sets = []system.Set{{Generation: system.Generation8, MRTD: &known.MRTD, RTMR1: &known.RTMR[1], RTMR2: &known.RTMR[2], Witness: &system.Judge(known).Document.Witness}}
		if r := system.Judge(in); !r.Proven() || r.Document != nil {
			t.Errorf("not proven by its registers:\n%s", outcomes(r))
		}
	})
	t.Run("version 4 of 2048 bytes", func(t *testing.T) {
		in := withDocument(t, func(d map[string]any) { v4(d, root+strings.Repeat(" ", 2048-len(root))) })
		f, _ := system.Judge(in).Find(system.FindingRTMR2)
		if f.Outcome != system.Differs || len(f.Parts) != 1 || f.Parts[0] != tdvf.PartCmdline {
			t.Errorf("%+v", f)
		}
	})
}

// v4 turns a document into one of version 4.
func v4(d map[string]any, cmdline string) {
	d["version"] = 4
	delete(image(d), "cmdline_sha384")
	image(d)["cmdline"] = cmdline
}

// TestChecksums names what is wrong with a checksum file that the reader's hash covers.
func TestChecksums(t *testing.T) {
	document := []byte("document")
	sum := fmt.Sprintf("%x", sha256.Sum256(document))
	line := sum + "  " + system.MeasurementFile + "\n"
	for _, good := range []string{line, strings.Repeat("a", 64) + "  bzImage\n" + line, sum + " *" + system.MeasurementFile + "\n"} {
		if err := system.CheckDocument([]byte(good), document); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, why := range map[string]string{
		"":                                      "line feed",
		"\n":                                    "line 1",
		line[:len(line)-1]:                      "line feed",
		line + "\n":                             "line 2",
		line + line:                             "names measurement.tdx.cbor twice",
		strings.ToUpper(sum) + line[64:]:        "line 1",
		" " + line:                              "line 1",
		strings.Replace(line, "  ", " ", 1):     "line 1",
		strings.Replace(line, "  ", "\t ", 1):   "line 1",
		sum + "  ./" + line[66:]:                "line 1",
		strings.Repeat("a", 64) + "  bzImage\n": "does not name measurement.tdx.cbor",
		"a" + line[1:]:                          "has SHA-256",
		"0" + line[1:]:                          "has SHA-256",
		strings.Repeat(line, 300):               "larger than 16 KiB",
	} {
		if err := system.CheckDocument([]byte(bad), document); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%.80q: %v, want %q", bad, err, why)
		}
	}
}

// TestVMConfig names what is wrong with a vm_config.
func TestVMConfig(t *testing.T) {
	for bad, why := range map[string]string{
		``:                                     "JSON",
		`[]`:                                   "array",
		`{}x`:                                  "after its end",
		`{"memory_size":1,"memory_size":2}`:    "twice",
		`{"Memory_Size":1}`:                    "only",
		`{"memory_size":-1}`:                   "memory_size",
		`{"memory_size":99999999999999999999}`: "memory_size",
		`{"os_image_hash":"00"}`:               "os_image_hash",
		`{"os_image_hash":"zz"}`:               "os_image_hash",
		`{"tdx_measurement":{"checksum_file":"AA==","measurement":""}}`: "is empty",
		`{"tdx_measurement":{"checksum_file":"","measurement":"AA=="}}`: "is empty",
		`{"tdx_measurement":{}}`: "is empty",
		`{"tdx_measurement":{"checksum_file":"AA==","measurement":"*"}}`: "measurement",
		`{"tdx_measurement":{"checksum_file":"AB==","measurement":""}}`:  "checksum_file",
		`{"image":"` + strings.Repeat("a", 128<<10) + `"}`:               "larger than 128 KiB",
	} {
		if _, err := system.ParseVMConfig([]byte(bad)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%.80s: %v, want %q", bad, err, why)
		}
	}
	c, err := system.ParseVMConfig([]byte(`{"os_image_hash":"","new_field":{"a":[1]},"memory_size":18446744073709551615}`))
	if err != nil || c.ImageHash != "" || c.Measurement != nil || c.Memory != 1<<64-1 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestGenerations(t *testing.T) {
	for version, want := range map[string]system.Generation{
		"8.0.0": "8", "8.2.2": "8", "9.0.0": "9", "9.2.1": "9", "10.1.9": "9", "10.2.0": "10.2", "11.0": "10.2",
		"": "", "7.2.0": "", "8": "", "eight.2": "", "8.-1": "", "-9.1": "",
	} {
		if got, ok := system.GenerationOf(version); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", version, got, ok)
		}
	}
}
