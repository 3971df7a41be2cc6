package tdvf

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"

	"gitlauncher/measure"
)

// Layout13 is dstack's name of the one event layout of RTMR0 that can be derived: the
// firmware of 0.5.0 to 0.5.8 and from 0.5.11 on writes 13 events. That of 0.5.9 and
// 0.5.10 writes 17, one of them over tables that depend on the host's memory.
const Layout13 = "pre202505"

// Part is the part of a system that an event measures.
type Part string

// The parts, as findings name them.
const (
	PartFirmware Part = "firmware"
	PartMemory   Part = "memory"
	PartACPI     Part = "ACPI tables"
	PartKernel   Part = "kernel"
	PartCmdline  Part = "command line"
	PartInitrd   Part = "initrd"
)

// Event is one event that a register must hold.
type Event struct {
	Register int // 0 to 2
	Name     string
	Part     Part
	Digest   measure.Register // zero for an ACPI table: the host's
	Meaning  string
}

// acpiAt is the index of the first of the three ACPI events in RTMR0.
const acpiAt, acpiEvents = 8, 3

// ACPI are the digests of the tables' loader script, their root pointer and the tables
// themselves, as RTMR0 holds them.
type ACPI [acpiEvents]measure.Register

// ParseACPI reads three digests, separated by commas.
func ParseACPI(s string) (a ACPI, err error) {
	parts := strings.Split(s, ",")
	if len(parts) != len(a) {
		return a, fmt.Errorf("has %d digests, not %d: loader, root pointer, tables", len(parts), len(a))
	}
	for i, part := range parts {
		if a[i], err = measure.ParseRegister(strings.TrimSpace(part)); err != nil {
			return a, err
		}
	}
	return a, nil
}

func (a ACPI) String() string {
	return a[0].String() + "," + a[1].String() + "," + a[2].String()
}

// Constants of every dstack image with this layout. Two of them depend on the
// firmware's volumes: CFV is its empty variable store, and Boot0000 names the
// firmware's own menus by the GUIDs of their volume and file.
var (
	digestCFV       = constant("344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6412af21c097d473155875ffd561d6790")
	digestBoot0000  = constant("23ada07f5261f12f34a0bd8e46760962d6b4d576a416f1fea1c64bc656b1d28eacf7047ae6e967c58fd2a98bfa74c298")
	digestBootOrder = sha384([]byte{0, 0})
	digestSeparator = sha384([]byte{0, 0, 0, 0})
)

func constant(s string) measure.Register {
	r, err := measure.ParseRegister(s)
	if err != nil {
		panic(err)
	}
	return r
}

// GUIDs of the namespaces of EFI variables, in their binary form.
var (
	guidGlobal   = mustHex("61dfe48bca93d211aa0d00e098032b8c") // EFI_GLOBAL_VARIABLE
	guidSecurity = mustHex("cbb219d73a3d9645a3bcdad00e67656f") // EFI_IMAGE_SECURITY_DATABASE
)

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// variable returns the digest of an EFI variable that is not set: UEFI_VARIABLE_DATA
// with no data.
func variable(guid []byte, name string) measure.Register {
	lengths := make([]byte, 16) // of the name in characters and of the data, 64 bits each
	lengths[0] = byte(len(name))
	return sha384(guid, lengths, utf16le(name))
}

// RTMR0Events returns the events of RTMR0 in order. A nil acpi leaves those digests
// zero.
func RTMR0Events(hob measure.Register, acpi *ACPI) []Event {
	if acpi == nil {
		acpi = new(ACPI)
	}
	e := func(name string, part Part, digest measure.Register, meaning string) Event {
		return Event{0, name, part, digest, meaning}
	}
	return []Event{
		e("TD HOB", PartMemory, hob, "the host's list of the VM's memory, which follows from its size and the firmware"),
		e("CFV", PartFirmware, digestCFV, "the firmware's variable store, as the image ships it"),
		e("SecureBoot", PartFirmware, variable(guidGlobal, "SecureBoot"), "not set: the firmware itself checks no signatures; the registers do the work"),
		e("PK", PartFirmware, variable(guidGlobal, "PK"), "not set: no platform key"),
		e("KEK", PartFirmware, variable(guidGlobal, "KEK"), "not set: no key exchange key"),
		e("db", PartFirmware, variable(guidSecurity, "db"), "not set: no list of allowed signers"),
		e("dbx", PartFirmware, variable(guidSecurity, "dbx"), "not set: no list of refused signers"),
		e("separator", PartFirmware, digestSeparator, "the firmware's configuration ends here"),
		e("acpi-loader", PartACPI, acpi[0], "the script by which the host has the firmware place its ACPI tables"),
		e("acpi-rsdp", PartACPI, acpi[1], "the root pointer of the host's ACPI tables"),
		e("acpi-tables", PartACPI, acpi[2], "the host's ACPI tables, with byte code that the guest's kernel runs"),
		e("BootOrder", PartFirmware, digestBootOrder, "the first and only entry"),
		e("Boot0000", PartFirmware, digestBoot0000, "the entry of the firmware's own menus; the kernel comes from QEMU"),
	}
}

// RTMR1Events returns the events of RTMR1 in order.
func RTMR1Events(kernel measure.Register) []Event {
	text := func(name, text, meaning string) Event {
		return Event{1, name, PartFirmware, sha384([]byte(text)), meaning}
	}
	return []Event{
		{1, "kernel", PartKernel, kernel, "the kernel as the firmware loaded it (Authenticode digest)"},
		text("boot option", "Calling EFI Application from Boot Option", "the firmware starts it"),
		text("separator", "\x00\x00\x00\x00", "the firmware is done with what comes before"),
		text("exit", "Exit Boot Services Invocation", "the kernel takes over"),
		text("exited", "Exit Boot Services Returned with Success", "the kernel has taken over"),
	}
}

// RTMR2Events returns the events of RTMR2 in order.
func RTMR2Events(cmdline, initrd measure.Register) []Event {
	return []Event{
		{2, "command line", PartCmdline, cmdline, "the kernel's command line, which names the root file system's hash"},
		{2, "initrd", PartInitrd, initrd, "the initial file system, which opens the root file system by that hash"},
	}
}

// Replay returns the register that events make.
func Replay(events []Event) (r measure.Register) {
	for _, e := range events {
		r = r.Extend(e.Digest)
	}
	return r
}

// RTMR0 returns the register that a firmware makes of a size of memory, in bytes, and
// the host's ACPI tables.
func (w Witness) RTMR0(memory uint64, acpi ACPI) (measure.Register, error) {
	hob, err := w.HOB(memory)
	if err != nil {
		return measure.Register{}, err
	}
	return Replay(RTMR0Events(hob, &acpi)), nil
}

// loaderSuffix is what the firmware appends to the command line before it measures it.
const loaderSuffix = " initrd=initrd"

// CmdlineDigest returns the digest by which the firmware extends RTMR2 for an image's
// command line: SHA-384 of its UTF-16LE form with the loader's suffix and a terminator.
func CmdlineDigest(cmdline string) measure.Register {
	return sha384(utf16le(cmdline + loaderSuffix + "\x00"))
}

func utf16le(s string) []byte {
	var b bytes.Buffer
	for _, unit := range utf16.Encode([]rune(s)) {
		b.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	return b.Bytes()
}

func sha384(data ...[]byte) measure.Register {
	return sha512.Sum384(bytes.Join(data, nil))
}
