package system_test

import (
	"errors"
	"testing"

	"gitlauncher/verify/system"
)

// FuzzDocument: what is read as a measurement document derives its registers; what is
// not says so, without panics and within its bounds.
func FuzzDocument(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := system.ParseDocument(data)
		if err != nil {
			if version := new(system.VersionError); errors.As(err, &version) && (version.Version == 3 || version.Version == 4) {
				t.Errorf("version %d is known", version.Version)
			}
			return
		}
		if d.Version == 4 && len(d.Cmdline) > 2048 || d.Version == 3 && d.Cmdline != "" {
			t.Errorf("%+v", d)
		}
		if _, err := d.Witness.HOB(4 << 30); err != nil {
			t.Error(err)
		}
		if d.RTMR1() == d.RTMR2() {
			t.Error("two registers with one value")
		}
	})
}

// FuzzChecksums: a checksum file that names one document names no other.
func FuzzChecksums(f *testing.F) {
	f.Fuzz(func(t *testing.T, checksums, document []byte) {
		if system.CheckDocument(checksums, document) != nil {
			return
		}
		if system.CheckDocument(checksums, append(document, 0)) == nil {
			t.Error("another document is in the checksum file, too")
		}
	})
}

// FuzzVMConfig: a hostile vm_config beside an honest quote proves no other system, and
// causes no panic. SECURITY.md: S1.
func FuzzVMConfig(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		vm, err := system.ParseVMConfig(data)
		if err != nil {
			return
		}
		in := normalised(t)
		in.Images = []system.Image{{Hash: in.VM.ImageHash}}
		in.VM = vm
		r := system.Judge(in)
		if r.Proven() && (r.Document == nil || r.Memory != 2<<30) {
			t.Errorf("proven without a document, or with %d bytes:\n%s", r.Memory, outcomes(r))
		}
		in.RTMR[2][0] ^= 1
		if r := system.Judge(in); r.Proven() {
			t.Errorf("another system is proven:\n%s", outcomes(r))
		}
	})
}
