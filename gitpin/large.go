package gitpin

import (
	"crypto/sha256"
	"hash"
	"os"

	"golang.org/x/sys/unix"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// largeName is where a large file lies until its bytes have proven whose it is. One
// streams by at a time.
const largeName = ".git/large"

// largeFile is a blob that is too large for memory, on its way to the disk under a
// name of no consequence. Named gives it its place if the chain has named it by
// then; otherwise it goes, and complete takes it from the kept pack.
type largeFile struct {
	*proof
	out  fdWriter
	size int64 // written
	sum  hash.Hash
	head header
}

// Large begins a file, if the chain waits for any.
func (p *proof) Large(size int64) (pack.LargeBlob, error) {
	p.mu.Lock()
	waits := len(p.blobs) > 0
	p.mu.Unlock()
	if p.place == nil || !waits {
		return nil, nil
	}
	l := &largeFile{proof: p, sum: newSum()}
	err := p.place.dirs.use(func(d *dirs) error {
		fd, err := openat(d.fd, largeName, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o644)
		l.out = fdWriter(fd)
		return err
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: largeName, Err: err}
	}
	return l, nil
}

// Write adds to the file.
func (l *largeFile) Write(b []byte) (int, error) {
	l.size += int64(len(b))
	if err := l.place.spend(len(b)); err != nil {
		return 0, err
	}
	l.sum.Write(b)
	l.head.Write(b)
	if _, err := l.out.Write(b); err != nil {
		return 0, &os.PathError{Op: "write", Path: largeName, Err: err}
	}
	return len(b), nil
}

// Named puts the file in its place, if it has one.
func (l *largeFile) Named(id object.ID) error {
	l.mu.Lock()
	at, expected := l.blobs[id]
	expected = expected && at.mode != object.ModeSymlink && len(at.path) <= maxPath
	if expected {
		delete(l.blobs, id)
	}
	l.mu.Unlock()
	if !expected {
		l.Drop()
		return nil
	}
	f := File{Path: at.path, Mode: at.mode, ID: id, SHA256: [sha256.Size]byte(l.sum.Sum(nil)), LFS: isLFS(l.head.b)}
	var err error
	if f.stat, err = l.place.adopt(l.out, at.path, at.mode); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[at.path] = f
	return nil
}

// Drop ends a file that has no place.
func (l *largeFile) Drop() {
	unix.Close(int(l.out))
	l.place.left.Add(l.size)
	l.place.dirs.use(func(d *dirs) error { return unix.Unlinkat(d.fd, largeName, 0) }) // what stays goes with the staging directory
}

// adopt moves the large file, which is open for writing, to its path.
func (w *writer) adopt(file fdWriter, path string, mode object.Mode) (fileStat, error) {
	var st unix.Stat_t
	err := w.dirs.use(func(d *dirs) error {
		dir, name := splitPath(path)
		fd, err := d.at(dir)
		if err == nil {
			err = unix.Renameat(d.fd, largeName, fd, name)
		}
		return onPath("rename", path, err)
	})
	if err != nil {
		unix.Close(int(file))
		return fileStat{}, err
	}
	err = onPath("write", path, finish(int(file), mode, &st))
	return statOf(&st), err
}
