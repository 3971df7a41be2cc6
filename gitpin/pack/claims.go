package pack

import (
	"os"
	"sync/atomic"

	"gitlauncher/gitpin/pack/index"
)

// Claims opens a pack by the word of its index, which anybody may have written. The
// Archive finds nothing but claims: what Bytes returns is hashed as ever, and an
// object that is not the one of the index is an error. Without a Spool it is for commits and trees: a
// large blob that the index leads to is not unpacked. Entries must not be believed, nor
// their Type, which is 0. Errors are *Error or the disk's own.
func Claims(src Source, claims *os.File, lim Limits) (*Archive, error) {
	info, err := src.Keep.Stat()
	if err != nil {
		return nil, err
	}
	table, err := index.Read(claims, src.format(), lim.objects())
	if err != nil {
		return nil, err
	}
	a := &Archive{Table: table, file: src.Keep, size: info.Size(), spool: src.Spool, newHasher: src.NewHasher, budget: new(atomic.Int64), limits: lim}
	a.budget.Store(lim.inflated())
	if src.Announced != nil {
		src.Announced(a.Len())
	}
	return a, nil
}
