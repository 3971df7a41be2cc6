package system

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gitlauncher/internal/strictjson"
)

// maxVMConfig bounds vm_config. Real ones, with both files, have some 2 KiB.
const maxVMConfig = 128 << 10

// VMConfig is the host's word on a VM, as dstack's vm_config has it. None of it is
// attested: each value is either compared with a register or shown as the host's word.
type VMConfig struct {
	Image       string
	ImageHash   string // hex; empty where nothing is said
	CPUs, GPUs  int
	Memory      uint64 // bytes; zero where nothing is said
	QEMU        string
	HotplugOff  bool
	Checksums   []byte // sha256sum.txt; nil where the VM has no document
	Measurement []byte // measurement.tdx.cbor
}

// vmConfig is the JSON form.
type vmConfig struct {
	Image      string `json:"image"`
	ImageHash  string `json:"os_image_hash"`
	CPUs       uint32 `json:"cpu_count"`
	GPUs       uint32 `json:"num_gpus"`
	Memory     uint64 `json:"memory_size"`
	QEMU       string `json:"qemu_version"`
	HotplugOff bool   `json:"hotplug_off"`
	TDX        *struct {
		Checksums   string `json:"checksum_file"`
		Measurement string `json:"measurement"`
	} `json:"tdx_measurement"`
}

// ParseVMConfig reads vm_config. Fields that are not needed here are not read: newer
// versions add some.
func ParseVMConfig(data []byte) (*VMConfig, error) {
	if len(data) > maxVMConfig {
		return nil, fmt.Errorf("vm_config: is larger than %d KiB", maxVMConfig>>10)
	}
	var raw vmConfig
	if err := strictjson.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("vm_config: %w", err)
	}
	c := &VMConfig{
		Image: raw.Image, ImageHash: strings.ToLower(raw.ImageHash), CPUs: int(raw.CPUs), GPUs: int(raw.GPUs),
		Memory: raw.Memory, QEMU: raw.QEMU, HotplugOff: raw.HotplugOff,
	}
	if hash, err := hex.DecodeString(c.ImageHash); err != nil || len(hash) != 32 && len(hash) != 0 {
		return nil, errors.New("vm_config: os_image_hash is not hex of 32 bytes")
	}
	if raw.TDX == nil {
		return c, nil
	}
	var err error
	if c.Checksums, err = base64.StdEncoding.Strict().DecodeString(raw.TDX.Checksums); err != nil {
		return nil, fmt.Errorf("vm_config: checksum_file: %w", err)
	}
	if c.Measurement, err = base64.StdEncoding.Strict().DecodeString(raw.TDX.Measurement); err != nil {
		return nil, fmt.Errorf("vm_config: measurement: %w", err)
	}
	if len(c.Checksums) == 0 || len(c.Measurement) == 0 {
		return nil, errors.New("vm_config: tdx_measurement is empty")
	}
	return c, nil
}

// Generation is the part of QEMU's version that the registers depend on.
type Generation string

// The generations. Up to 8.2 QEMU adds pages in two passes, from 9.0 on in one; from
// 10.2 on it no longer writes into the header of a confidential VM's kernel.
const (
	Generation8   Generation = "8"
	Generation9   Generation = "9"
	Generation102 Generation = "10.2"
)

// GenerationOf reads a QEMU version. ok is false if it is not one, or is below 8.
func GenerationOf(version string) (g Generation, ok bool) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return "", false
	}
	major, err := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	switch {
	case err != nil || err2 != nil || major < 8 || minor < 0:
		return "", false
	case major == 8:
		return Generation8, true
	case major == 9 || major == 10 && minor < 2:
		return Generation9, true
	}
	return Generation102, true
}

// passes says how QEMU adds a VM's pages and measures them, which determines MRTD.
type passes int

const (
	onePass   passes = 1
	twoPasses passes = 2
)

func (p passes) String() string {
	if p == twoPasses {
		return "QEMU before 9.0"
	}
	return "QEMU 9.0 or later"
}

func (g Generation) passes() passes {
	if g == Generation8 {
		return twoPasses
	}
	return onePass
}

// writesHeader reports whether QEMU writes into the header of the kernel that it loads.
func (g Generation) writesHeader() bool { return g != Generation102 }
