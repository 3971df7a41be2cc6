package sim

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode/utf16"

	"github.com/fxamacker/cbor/v2"
)

// The simulated VM: one vCPU and 2 GiB, on a QEMU that adds pages in one pass.
const (
	memory      = 2 << 30
	qemuVersion = "9.2.1"
)

// image is the simulated OS image. Its files do not exist, so each digest is of a name;
// its measurement document and checksum file are real, as images from dstack 0.6 on
// have them.
type image struct {
	document, checksums []byte
	hash                [32]byte // os_image_hash
	cmdline             string
	kernel, initrd      [48]byte
	singlePass, twoPass [48]byte
}

// measurement is the document, in dstack's form of version 4.
type measurement struct {
	Version int `cbor:"version"`
	Image   struct {
		Cmdline    string `cbor:"cmdline"`
		Kernel     []byte `cbor:"kernel_authenticode"`
		Normalised bool   `cbor:"kernel_header_normalized"`
		Initrd     []byte `cbor:"initrd_sha384"`
	} `cbor:"image"`
	Firmware struct {
		Layout string `cbor:"ovmf"`
		MRTD   struct {
			SinglePass []byte `cbor:"single_pass"`
			TwoPass    []byte `cbor:"two_pass"`
		} `cbor:"mrtd"`
		Ranges []byte `cbor:"td_hob"`
	} `cbor:"tdvf"`
}

// firmwareRanges are the ranges of memory that dstack's firmware uses first, as start
// and end. The second has the TD HOB. rangesForm is the same in the document's form.
var (
	firmwareRanges = [][2]uint64{{0x800000, 0x806000}, {0x809000, 0x80b000}, {0x80b000, 0x80d000}, {0x810000, 0x820000}}
	rangesForm     = []byte{0x80, 0x10, 0x09, 0x04, 0x00, 0x06, 0x09, 0x02, 0x0b, 0x02, 0x10, 0x10}
)

// newImage returns the image, which is the same in every simulator.
func newImage() (i image) {
	named := func(what string) [48]byte { return sha512.Sum384([]byte("git-launcher simulator " + what)) }
	i.kernel, i.initrd, i.singlePass, i.twoPass = named("kernel"), named("initrd"), named("mrtd"), named("mrtd in two passes")
	i.cmdline = fmt.Sprintf("console=hvc0 dstack.rootfs_hash=%x dstack.rootfs_size=0", sha256.Sum256([]byte("git-launcher simulator rootfs")))
	m := measurement{Version: 4}
	m.Image.Cmdline, m.Image.Kernel, m.Image.Normalised, m.Image.Initrd = i.cmdline, i.kernel[:], true, i.initrd[:]
	m.Firmware.Layout, m.Firmware.Ranges = "pre202505", rangesForm
	m.Firmware.MRTD.SinglePass, m.Firmware.MRTD.TwoPass = i.singlePass[:], i.twoPass[:]
	var err error
	if i.document, err = cbor.Marshal(m); err != nil {
		panic(err) // strings, bytes and a number
	}
	for _, name := range []string{"ovmf.fd", "bzImage", "initramfs.cpio.gz", "metadata.json"} {
		i.checksums = fmt.Appendf(i.checksums, "%x  %s\n", sha256.Sum256([]byte("git-launcher simulator "+name)), name)
	}
	i.checksums = fmt.Appendf(i.checksums, "%x  measurement.tdx.cbor\n", sha256.Sum256(i.document))
	i.hash = sha256.Sum256(i.checksums)
	return i
}

// vmConfig returns dstack's word on the VM, with the files from which its registers
// follow.
func (i *image) vmConfig() string {
	text, err := json.Marshal(map[string]any{
		"spec_version": 1, "os_image_hash": hex.EncodeToString(i.hash[:]), "image": "git-launcher-simulator",
		"cpu_count": 1, "memory_size": memory, "qemu_version": qemuVersion, "num_gpus": 0, "hotplug_off": true,
		"tdx_measurement": map[string]string{
			"checksum_file": base64.StdEncoding.EncodeToString(i.checksums), "measurement": base64.StdEncoding.EncodeToString(i.document),
		},
		"simulator": true,
	})
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}

// Types of events that firmware and kernel write.
const (
	handoffTable   = 0x8000000b
	firmwareBlob   = 0x8000000a
	variableConfig = 0x80000001
	variableBoot   = 0x80000002
	bootServices   = 0x80000003
	action         = 0x80000007
	separator      = 4
	eventTag       = 6
	platformFlags  = 10 // the ACPI tables in RTMR0
)

// acpiData is the payload of the three ACPI events, which dstack 0.6 names.
const acpiData = "ACPI DATA"

// acpiTables are the names of those events, in their order.
var acpiTables = []string{"acpi-loader", "acpi-rsdp", "acpi-tables"}

// bootImage writes what the firmware measures of the image, in the order of a real log.
func (m *Machine) bootImage() {
	m.mrtd = m.image.singlePass
	sum := func(data ...[]byte) [48]byte { return sha512.Sum384(bytes.Join(data, nil)) }
	text := func(s string) [48]byte { return sum([]byte(s)) }
	m.firmware(0, handoffTable, "", nil, sum(tdHOB()))
	m.firmware(0, firmwareBlob, "", nil, fromHex48("344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6412af21c097d473155875ffd561d6790"))
	for _, v := range [][2]string{{guidGlobal, "SecureBoot"}, {guidGlobal, "PK"}, {guidGlobal, "KEK"}, {guidSecurity, "db"}, {guidSecurity, "dbx"}} {
		m.firmware(0, variableConfig, "", nil, sum(unsetVariable(v[0], v[1])))
	}
	m.firmware(0, separator, "", nil, sum(make([]byte, 4)))
	for _, name := range acpiTables {
		digest := text("git-launcher simulator " + name)
		if m.opts.Dstack == V05 {
			name = ""
		}
		m.firmware(0, platformFlags, name, []byte(acpiData), digest)
	}
	m.firmware(1, bootServices, "", nil, m.image.kernel)
	m.firmware(0, variableBoot, "", nil, sum(make([]byte, 2)))
	m.firmware(0, variableBoot, "", nil, fromHex48("23ada07f5261f12f34a0bd8e46760962d6b4d576a416f1fea1c64bc656b1d28eacf7047ae6e967c58fd2a98bfa74c298"))
	m.firmware(1, action, "", nil, text("Calling EFI Application from Boot Option"))
	m.firmware(1, separator, "", nil, sum(make([]byte, 4)))
	m.firmware(2, eventTag, "", nil, sum(utf16le(m.image.cmdline+" initrd=initrd\x00")))
	m.firmware(2, eventTag, "", nil, m.image.initrd)
	m.firmware(1, action, "", nil, text("Exit Boot Services Invocation"))
	m.firmware(1, action, "", nil, text("Exit Boot Services Returned with Success"))
}

// GUIDs of EFI variables' namespaces, as they are stored.
const (
	guidGlobal   = "61dfe48bca93d211aa0d00e098032b8c"
	guidSecurity = "cbb219d73a3d9645a3bcdad00e67656f"
)

// unsetVariable returns the UEFI_VARIABLE_DATA of a variable without data.
func unsetVariable(guid, name string) []byte {
	b, _ := hex.DecodeString(guid) // a constant
	b = binary.LittleEndian.AppendUint64(b, uint64(len(name)))
	b = binary.LittleEndian.AppendUint64(b, 0)
	return append(b, utf16le(name)...)
}

func utf16le(s string) (b []byte) {
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

func fromHex48(s string) [48]byte {
	b, _ := hex.DecodeString(s) // a constant
	return [48]byte(b)
}

// tdHOB returns the list of the VM's memory that the host gives to the firmware. Below
// 2816 MiB, all of the memory is in one piece.
func tdHOB() []byte {
	le := binary.LittleEndian
	var blocks []byte
	block := func(kind uint32, start, end uint64) {
		b := []byte{3, 0, 48, 0, 0, 0, 0, 0}
		b = append(b, make([]byte, 16)...)
		b = le.AppendUint32(b, kind)
		b = le.AppendUint32(b, 7) // present, initialised, tested
		b = le.AppendUint64(b, start)
		blocks = append(blocks, le.AppendUint64(b, end-start)...)
	}
	const accepted, unaccepted = 0, 7
	at := uint64(0)
	for _, r := range firmwareRanges {
		if at < r[0] {
			block(unaccepted, at, r[0])
		}
		block(accepted, r[0], r[1])
		at = r[1]
	}
	block(unaccepted, at, memory)
	head := append([]byte{1, 0, 56, 0, 0, 0, 0, 0, 9}, make([]byte, 48-9)...)
	head = le.AppendUint64(head, firmwareRanges[1][0]+uint64(len(head)+8+len(blocks)+8))
	return append(head, blocks...)
}
