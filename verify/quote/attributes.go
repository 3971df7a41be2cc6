package quote

import "encoding/binary"

// The TD's attributes by their bits (Intel TDX module ABI specification, TDATTRIBUTES).
const (
	underDebug    = 0xff    // bits 0 to 7: the group “TD under debug”
	septVEDisable = 1 << 28 // no #VE where the host takes a page away
	migratable    = 1 << 29
	pks           = 1 << 30
	keyLocker     = 1 << 31
	perfmon       = 1 << 63
)

// Debug reports whether the TD, or the enclave that vouches for it, runs in debug mode,
// in which the host reads and writes its memory. A TD is in debug mode if any of its
// first eight attributes is set.
func (q *Quote) Debug() (td, qe bool) {
	return q.attributes()&underDebug != 0, q.qe.Attributes[0]&2 != 0
}

// Migratable reports whether a migration TD may move the TD, memory and all, to another
// host. A quote of version 4 does not name that TD.
func (q *Quote) Migratable() bool { return q.attributes()&migratable != 0 }

// SEPTVEDisable reports whether the host is kept from raising exceptions in the guest
// by taking its pages away.
func (q *Quote) SEPTVEDisable() bool { return q.attributes()&septVEDisable != 0 }

// Unusual names the attributes that dstack's VMs don't have: features that share more of
// the processor with the host, and bits that this program does not know.
func (q *Quote) Unusual() (names []string) {
	for _, a := range []struct {
		bit  uint64
		name string
	}{{pks, "PKS"}, {keyLocker, "KL"}, {perfmon, "PERFMON"}} {
		if q.attributes()&a.bit != 0 {
			names = append(names, a.name)
		}
	}
	if q.attributes()&^(underDebug|septVEDisable|migratable|pks|keyLocker|perfmon) != 0 {
		names = append(names, "reserved bits")
	}
	return names
}

func (q *Quote) attributes() uint64 { return binary.LittleEndian.Uint64(q.TDAttributes[:]) }
