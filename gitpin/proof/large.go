package proof

import (
	"crypto/sha256"
	"hash"

	"gitlauncher/gitpin/lfs"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// largeFile is a blob that is too large for memory and is being written without a path.
// Named moves it to its path if the chain has named it by then. Otherwise it is dropped, and
// [Proof.Complete] writes it from the kept pack.
type largeFile struct {
	proof   *Proof
	out     Unplaced
	charged int64
	sum     hash.Hash
	head    prefix
}

// Large implements [pack.Sink]. It begins a file if the chain waits for any.
func (p *Proof) Large(size int64) (pack.LargeBlob, error) {
	p.mu.Lock()
	waits := len(p.blobs) > 0
	p.mu.Unlock()
	if p.params.Files == nil || !waits {
		return pack.Discard, nil
	}
	if p.charge(size) != nil { // if the pin needs it, Complete reports that
		p.left.Add(size)
		return pack.Discard, nil
	}
	out, err := p.params.Files.Begin()
	if err != nil {
		return nil, err
	}
	return &largeFile{proof: p, out: out, charged: size, sum: NewSum()}, nil
}

// Write adds to the file.
func (l *largeFile) Write(b []byte) (int, error) {
	l.sum.Write(b)
	l.head.Write(b)
	return l.out.Write(b)
}

// Named moves the file to its path, if it has one, and otherwise drops it.
func (l *largeFile) Named(id object.ID) error {
	at, expected := l.proof.take(id, func(at place) bool {
		return at.mode() != object.ModeSymlink && len(at.path()) <= MaxPath
	})
	if !expected {
		l.Drop()
		return nil
	}
	f := File{Path: at.path(), Mode: at.mode(), SHA256: [sha256.Size]byte(l.sum.Sum(nil)), LFS: lfs.Looks(l.head.bytes)}
	var err error
	if f.Number, err = l.out.Place(f.Path, f.Mode); err != nil {
		return err
	}
	l.proof.note(at, &f)
	return nil
}

// Drop drops a file that has no path.
func (l *largeFile) Drop() {
	l.out.Drop()
	l.proof.left.Add(l.charged)
}
