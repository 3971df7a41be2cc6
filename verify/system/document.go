package system

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"gitlauncher/measure"
	"gitlauncher/verify/system/tdvf"
)

// Bounds of what an image ships. Real documents have some 400 to 700 bytes, and Linux
// cuts a command line at 2048 (COMMAND_LINE_SIZE on x86).
const (
	maxDocument = 16 << 10
	maxCmdline  = 2048
)

// Document is measurement.tdx.cbor, the measurement document of an image: what the
// image contributes to the registers in any VM.
type Document struct {
	Version int
	// Cmdline is the image's own command line. It is empty in documents of version 3,
	// which have only the digest.
	Cmdline       string
	CmdlineDigest measure.Register // of what the firmware measures
	Kernel        measure.Register // Authenticode digest, as loaded in a large VM
	Initrd        measure.Register
	// Normalised kernels have the same digest at every size of memory.
	Normalised bool
	Layout     string // of the firmware's events in RTMR0
	// MRTD depends on how QEMU adds pages and measures them: from 9.0 on in a single
	// pass, before that in two.
	SinglePass, TwoPass measure.Register
	Witness             tdvf.Witness
}

// VersionError says that a document is of a version whose meaning is not known here.
type VersionError struct{ Version uint64 }

func (e *VersionError) Error() string {
	return fmt.Sprintf("measurement document: version %d is not known to this program", e.Version)
}

// document is the CBOR form. A cbor.ByteString accepts only byte strings, which leaves
// a value one encoding fewer.
type document struct {
	Version uint64 `cbor:"version"`
	Image   struct {
		Cmdline       *string         `cbor:"cmdline"`        // version 4
		CmdlineDigest cbor.ByteString `cbor:"cmdline_sha384"` // version 3
		Kernel        cbor.ByteString `cbor:"kernel_authenticode"`
		Normalised    bool            `cbor:"kernel_header_normalized"`
		Initrd        cbor.ByteString `cbor:"initrd_sha384"`
	} `cbor:"image"`
	Firmware struct {
		Layout string `cbor:"ovmf"`
		MRTD   struct {
			SinglePass cbor.ByteString `cbor:"single_pass"`
			TwoPass    cbor.ByteString `cbor:"two_pass"`
		} `cbor:"mrtd"`
		Witness cbor.ByteString `cbor:"td_hob"`
	} `cbor:"tdvf"`
}

// decoder returns a decoder as strict as the library allows: what two readers could
// read differently is an error.
func decoder(unknown cbor.ExtraDecErrorCond) (cbor.DecMode, error) {
	return cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: unknown,
		MaxNestedLevels:   4,
		MaxArrayElements:  16,
		MaxMapPairs:       16,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		UTF8:              cbor.UTF8RejectInvalid,
	}.DecMode()
}

// ParseDocument reads a measurement document. The error is a [*VersionError] if the
// version is not known.
func ParseDocument(data []byte) (*Document, error) {
	if len(data) > maxDocument {
		return nil, fmt.Errorf("measurement document: is larger than %d KiB", maxDocument>>10)
	}
	lenient, err := decoder(cbor.ExtraDecErrorNone)
	if err != nil {
		return nil, err
	}
	var head struct {
		Version uint64 `cbor:"version"`
	}
	if err := lenient.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("measurement document: %w", err)
	}
	if head.Version != 3 && head.Version != 4 {
		return nil, &VersionError{head.Version}
	}
	strict, err := decoder(cbor.ExtraDecErrorUnknownField)
	if err != nil {
		return nil, err
	}
	var raw document
	if err := strict.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("measurement document: %w", err)
	}
	d, err := raw.check()
	if err != nil {
		return nil, fmt.Errorf("measurement document: %w", err)
	}
	return d, nil
}

func (raw *document) check() (*Document, error) {
	d := &Document{Version: int(raw.Version), Normalised: raw.Image.Normalised, Layout: raw.Firmware.Layout}
	if d.Layout != tdvf.Layout13 {
		return nil, fmt.Errorf("the firmware's event layout %.40q is not known to this program", d.Layout)
	}
	for _, field := range []struct {
		name  string
		bytes cbor.ByteString
		into  *measure.Register
	}{
		{"kernel_authenticode", raw.Image.Kernel, &d.Kernel},
		{"initrd_sha384", raw.Image.Initrd, &d.Initrd},
		{"single_pass", raw.Firmware.MRTD.SinglePass, &d.SinglePass},
		{"two_pass", raw.Firmware.MRTD.TwoPass, &d.TwoPass},
	} {
		if copy(field.into[:], field.bytes) != len(field.into) || len(field.bytes) != len(field.into) {
			return nil, fmt.Errorf("%s has %d bytes, not %d", field.name, len(field.bytes), len(field.into))
		}
	}
	if err := d.setCmdline(raw.Image.Cmdline, []byte(raw.Image.CmdlineDigest)); err != nil {
		return nil, err
	}
	var err error
	d.Witness, err = tdvf.ParseWitness([]byte(raw.Firmware.Witness))
	return d, err
}

// setCmdline takes the digest of version 3, or the text of version 4.
func (d *Document) setCmdline(text *string, digest []byte) error {
	switch {
	case d.Version == 3 && (text != nil || len(digest) != len(d.CmdlineDigest)):
		return errors.New("version 3 needs cmdline_sha384 of 48 bytes, and no cmdline")
	case d.Version == 3:
		copy(d.CmdlineDigest[:], digest)
		return nil
	case text == nil || len(digest) != 0:
		return errors.New("version 4 needs cmdline, and no cmdline_sha384")
	case len(*text) > maxCmdline:
		return fmt.Errorf("cmdline has %d bytes, and Linux reads %d", len(*text), maxCmdline)
	case strings.ContainsRune(*text, 0):
		return errors.New("cmdline has a NUL")
	case rootHashes(*text) != 1:
		return errors.New("cmdline does not name the root file system's hash exactly once (dstack.rootfs_hash)")
	}
	d.Cmdline, d.CmdlineDigest = *text, tdvf.CmdlineDigest(*text)
	return nil
}

// rootHashes counts the words that name the hash of the root file system. Without it,
// the image's hash would say nothing about what runs after the initrd.
func rootHashes(cmdline string) (n int) {
	for _, word := range strings.Fields(cmdline) {
		if strings.HasPrefix(word, "dstack.rootfs_hash=") {
			n++
		}
	}
	return n
}

// RTMR1 returns the register that the document's kernel makes.
func (d *Document) RTMR1() measure.Register { return tdvf.Replay(tdvf.RTMR1Events(d.Kernel)) }

// RTMR2 returns the register that the document's command line and initrd make.
func (d *Document) RTMR2() measure.Register {
	return tdvf.Replay(tdvf.RTMR2Events(d.CmdlineDigest, d.Initrd))
}
