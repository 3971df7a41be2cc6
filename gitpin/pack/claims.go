package pack

import (
	"os"
	"sync/atomic"

	"gitlauncher/gitpin/pack/index"
)

// Claims opens a pack with an index that anybody may have written. The entries of the
// Archive are only claims, and their Type is 0. But Bytes and WriteTo hash every object,
// and return an error for one that is not the index's. Without a Spool the Archive is for
// commits and trees, and unpacks no large blob. Errors are *[Error] or those of the disk.
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
