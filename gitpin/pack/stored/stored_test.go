package stored_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand"
	"os"
	"path/filepath"
	"testing"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/gitpin/pack/index"
	"gitlauncher/gitpin/pack/stored"
	"gitlauncher/internal/gittest"
)

// lay writes a stored pack of blobs to a file, or compares it with one.
func lay(f object.Format, file *os.File, compare bool, contents ...[]byte) (*index.Table, error) {
	s := stored.New(f)
	for _, c := range contents {
		s.Add(object.Blob, f.ID(gittest.Hash(f.NewChecksum).ID("blob", c)), int64(len(c)))
	}
	begin := s.WriteTo
	if compare {
		begin = s.CompareWith
	}
	if err := begin(file); err != nil {
		return nil, err
	}
	put := s.Putter()
	for i, c := range contents {
		if err := put.Put(i, c); err != nil {
			return nil, err
		}
	}
	sum, err := s.Sum(context.Background())
	if err == nil {
		err = s.Finish(sum)
	}
	return s.Table(), err
}

// aroundBlocks returns contents whose sizes are near multiples of a block's.
func aroundBlocks() [][]byte {
	rnd := rand.New(rand.NewSource(1))
	var contents [][]byte
	for _, n := range []int{0, 1, 15, 16, stored.BlockSize - 1, stored.BlockSize, stored.BlockSize + 1, 2*stored.BlockSize - 1, 2 * stored.BlockSize, 2*stored.BlockSize + 1, 1 << 20} {
		b := make([]byte, n)
		rnd.Read(b)
		contents = append(contents, b)
	}
	return contents
}

// TestStoredIsAPack: git and pack.Read accept a stored pack and find exactly its objects,
// and its index is the one that git makes.
func TestStoredIsAPack(t *testing.T) {
	for _, f := range object.Formats() {
		t.Run(f.String(), func(t *testing.T) { isAPack(t, f) })
	}
}

func isAPack(t *testing.T, f object.Format) {
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "p.pack"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	contents := aroundBlocks()
	table, err := lay(f, file, false, contents...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gittest.Git(dir, nil, "index-pack", "--strict", "--object-format="+f.String(), "p.pack"); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "p.idx"))
	if err != nil {
		t.Fatal(err)
	}
	var idx bytes.Buffer
	if err := table.WriteIndex(&idx); err != nil || !bytes.Equal(idx.Bytes(), want) {
		t.Errorf("its index differs from git's (%v)", err)
	}
	a, err := pack.Read(t.Context(), pack.Source{Keep: file, NewHasher: f.NewHasher}, pack.Limits{Pack: 1 << 30, Tree: 1 << 30, Files: 1 << 20}, pack.NamesOnly{})
	if err != nil {
		t.Fatal(err)
	}
	if a.Len() != len(contents) || !bytes.Equal(a.Checksum, table.Checksum) {
		t.Errorf("pack.Read finds %d objects, and %x", a.Len(), a.Checksum)
	}
	for _, e := range table.All() {
		if there, ok := a.Find(e.ID); !ok || there != e {
			t.Errorf("pack.Read finds %+v for %+v", there, e)
		}
	}
	if again, err := lay(f, file, true, contents...); err != nil || !bytes.Equal(again.Checksum, table.Checksum) {
		t.Errorf("it differs from itself: %v", err)
	}
}

// TestStoredEveryByte: a pack that differs in one byte, or in length, is refused.
func TestStoredEveryByte(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "p.pack"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	contents := [][]byte{[]byte("a"), {}, []byte("some content"), bytes.Repeat([]byte("x"), 300)}
	if _, err := lay(object.SHA256, file, false, contents...); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	taken := func(data []byte) bool {
		t.Helper()
		if err := os.WriteFile(file.Name(), data, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := lay(object.SHA256, file, true, contents...)
		if err != nil && !errors.Is(err, stored.ErrDiffers) {
			t.Fatal(err)
		}
		return err == nil
	}
	if !taken(good) {
		t.Fatal("the pack itself is refused")
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if taken(bad) {
			t.Errorf("byte %d changed, and it is accepted", i)
		}
	}
	if taken(good[:len(good)-1]) || taken(append(bytes.Clone(good), 0)) || taken(nil) {
		t.Error("another length is accepted")
	}
}

// TestStoredSizes: a content of another size than was added is an error. Otherwise the pack
// could have a hole or an overlap.
func TestStoredSizes(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "p.pack"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, n := range []int{0, 1, 9, 11, stored.BlockSize + 1} {
		s := stored.New(object.SHA1)
		at := s.Add(object.Blob, object.SHA1.ID(bytes.Repeat([]byte{1}, 20)), 10)
		if err := s.WriteTo(file); err != nil {
			t.Fatal(err)
		}
		if err := s.Putter().Put(at, make([]byte, n)); err == nil {
			t.Errorf("%d bytes are accepted for 10", n)
		}
	}
}
