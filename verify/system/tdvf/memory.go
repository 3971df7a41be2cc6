package tdvf

import (
	"encoding/binary"
	"errors"
	"fmt"

	"gitlauncher/measure"
)

// Sizes of memory, in bytes.
const (
	page = 4 << 10
	// highMemory is where QEMU's q35 begins to split memory: less than this lies under
	// 4 GiB as a whole; of this or more, 2 GiB lie there and the rest begins at 4 GiB.
	highMemory = 2816 << 20
	lowEnd     = 2 << 30
	highStart  = 4 << 30
	// MaxMemory bounds what a VM can claim to have: 64 TiB.
	MaxMemory = 64 << 40
)

// maxRanges bounds a witness; real ones have four ranges.
const maxRanges = 32

// Witness is what the firmware's metadata says about memory: the ranges that it uses
// first, and where it puts the TD HOB. Together with the VM's size of memory it
// determines the TD HOB.
type Witness struct {
	hob    uint64 // address
	ranges []span // ascending, disjoint, none empty
}

type span struct{ start, end uint64 } // addresses

// ParseWitness reads dstack's form: base page, TD HOB page and count, then start and
// count of pages for each range, in LEB128; all pages but the base are relative to it.
func ParseWitness(data []byte) (Witness, error) {
	r := varints{data: data}
	base, hob, count := r.next(), r.next(), r.next()
	if r.err == nil && (count == 0 || count > maxRanges) {
		return Witness{}, fmt.Errorf("memory ranges: %d of them, and 1 to %d are possible", count, maxRanges)
	}
	w := Witness{hob: (base + hob) * page}
	last, placed := uint64(0), false
	for range count {
		s := span{start: (base + r.next()) * page}
		s.end = s.start + r.next()*page
		if r.err != nil {
			break
		}
		if s.start < last || s.end <= s.start {
			return Witness{}, errors.New("memory ranges: are empty, overlap or are out of order")
		}
		if s.end >= lowEnd {
			return Witness{}, errors.New("memory ranges: reach beyond 2 GiB")
		}
		last = s.end
		placed = placed || s.start == w.hob
		w.ranges = append(w.ranges, s)
	}
	switch {
	case r.err != nil:
		return Witness{}, fmt.Errorf("memory ranges: %w", r.err)
	case len(r.data) > 0:
		return Witness{}, errors.New("memory ranges: have bytes behind their end")
	case !placed:
		return Witness{}, errors.New("memory ranges: the TD HOB is in none of them")
	}
	return w, nil
}

// varints reads LEB128 integers of at most 32 bits, in their shortest form.
type varints struct {
	data []byte
	err  error
}

func (r *varints) next() uint64 {
	value, n := binary.Uvarint(r.data)
	switch {
	case r.err != nil:
		return 0
	case n <= 0:
		r.err = errors.New("end within an integer")
	case value > 1<<32-1:
		r.err = errors.New("have an integer beyond 32 bits")
	case n > 1 && r.data[n-1] == 0:
		r.err = errors.New("have an integer that is not in its shortest form")
	default:
		r.data = r.data[n:]
		return value
	}
	return 0
}

// CheckMemory refuses sizes that no VM has with this firmware.
func (w Witness) CheckMemory(memory uint64) error {
	switch {
	case len(w.ranges) == 0:
		return errors.New("nothing is known of the firmware's memory")
	case memory%page != 0 || memory > MaxMemory:
		return fmt.Errorf("a VM can't have %d bytes of memory", memory)
	case memory <= w.ranges[len(w.ranges)-1].end:
		return fmt.Errorf("%d bytes of memory end before what the firmware uses", memory)
	}
	return nil
}

// The TD HOB is a list of blocks of the PI specification: the hand-off block, one
// resource block for each range of memory, and an end that is not measured.
const (
	hobHandoff, hobHandoffLen   = 1, 56
	hobResource, hobResourceLen = 3, 48
	hobEndLen                   = 8
	hobVersion                  = 9
	// memory that TDVF has accepted, and that it has yet to accept
	resourceMemory, resourceUnaccepted = 0, 7
	// present, initialised, tested
	resourceAttributes = 7
)

// HOB returns the digest of the TD HOB that an honest host makes for a VM with this
// many bytes of memory: the first event of RTMR0.
func (w Witness) HOB(memory uint64) (measure.Register, error) {
	if err := w.CheckMemory(memory); err != nil {
		return measure.Register{}, err
	}
	le := binary.LittleEndian
	hob := make([]byte, hobHandoffLen)
	le.PutUint16(hob, hobHandoff)
	le.PutUint16(hob[2:], hobHandoffLen)
	le.PutUint32(hob[8:], hobVersion)
	resource := func(kind uint32, s span) {
		if s.start == s.end {
			return
		}
		block := make([]byte, hobResourceLen) // the owner, 16 bytes from 8 on, is zero
		le.PutUint16(block, hobResource)
		le.PutUint16(block[2:], hobResourceLen)
		le.PutUint32(block[24:], kind)
		le.PutUint32(block[28:], resourceAttributes)
		le.PutUint64(block[32:], s.start)
		le.PutUint64(block[40:], s.end-s.start)
		hob = append(hob, block...)
	}
	at := uint64(0)
	for _, s := range w.ranges {
		resource(resourceUnaccepted, span{at, s.start})
		resource(resourceMemory, s)
		at = s.end
	}
	if memory < highMemory {
		resource(resourceUnaccepted, span{at, memory})
	} else {
		resource(resourceUnaccepted, span{at, lowEnd})
		resource(resourceUnaccepted, span{highStart, highStart + memory - lowEnd})
	}
	le.PutUint64(hob[48:], w.hob+uint64(len(hob))+hobEndLen) // where the list ends
	return sha384(hob), nil
}

// FindMemory looks for the size of memory that a TD HOB describes, among the sizes that
// VMs have: every 256 MiB up to 64 GiB, and every GiB up to 4 TiB. It returns zero if
// none of them matches.
func (w Witness) FindMemory(hob measure.Register) uint64 {
	const small, smallEnd, large, largeEnd = 256 << 20, 64 << 30, 1 << 30, 4 << 40
	for size := uint64(small); size <= largeEnd; {
		if got, err := w.HOB(size); err == nil && got == hob {
			return size
		}
		if size < smallEnd {
			size += small
		} else {
			size += large
		}
	}
	return 0
}

// KernelIsFixed reports whether a kernel that is not normalised has its usual digest at
// a size of memory. QEMU up to 10.1 writes the initrd's address into the kernel's
// header, and that address moves below 2816 MiB, except at exactly 2 GiB.
func KernelIsFixed(memory uint64) bool { return memory == lowEnd || memory >= highMemory }
