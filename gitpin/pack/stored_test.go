package pack_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand"
	"os"
	"path/filepath"
	"testing"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/internal/gittest"
)

// stored lays out blobs and writes them to a file, or compares them with it.
func stored(file *os.File, compare bool, contents ...[]byte) (*pack.Archive, error) {
	s := pack.NewStored(object.SHA1)
	for _, c := range contents {
		s.Add(object.Blob, object.SHA1.ID(gittest.ID("blob", c)), int64(len(c)))
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
	return s.Archive(), err
}

// aroundBlocks gives contents of sizes around the ends of blocks.
func aroundBlocks() [][]byte {
	rnd := rand.New(rand.NewSource(1))
	var contents [][]byte
	for _, n := range []int{0, 1, 15, 16, pack.BlockSize - 1, pack.BlockSize, pack.BlockSize + 1, 2*pack.BlockSize - 1, 2 * pack.BlockSize, 2*pack.BlockSize + 1, 1 << 20} {
		b := make([]byte, n)
		rnd.Read(b)
		contents = append(contents, b)
	}
	return contents
}

// TestStoredIsAPack: git and our own reader take it for a pack of just these
// objects, and its index is git's.
func TestStoredIsAPack(t *testing.T) {
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "p.pack"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	contents := aroundBlocks()
	a, err := stored(file, false, contents...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gittest.Git(dir, nil, "index-pack", "--strict", "p.pack"); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "p.idx"))
	if err != nil {
		t.Fatal(err)
	}
	var index bytes.Buffer
	if err := a.WriteIndex(&index); err != nil || !bytes.Equal(index.Bytes(), want) {
		t.Errorf("its index differs from git's (%v)", err)
	}
	data, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	again, err := read(t, data, wide)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range contents {
		holds(t, again, string(c))
	}
	if b, err := stored(file, true, contents...); err != nil || !bytes.Equal(b.Checksum, a.Checksum) {
		t.Errorf("it is not found to be itself: %v", err)
	}
}

// TestStoredEveryByte: a pack that differs in one byte, or in length, is not taken.
func TestStoredEveryByte(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "p.pack"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	contents := [][]byte{[]byte("a"), {}, []byte("some content"), bytes.Repeat([]byte("x"), 300)}
	if _, err := stored(file, false, contents...); err != nil {
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
		_, err := stored(file, true, contents...)
		if err != nil && !errors.Is(err, pack.ErrDiffers) {
			t.Fatal(err)
		}
		return err == nil
	}
	if !taken(good) {
		t.Fatal("the pack itself is not taken")
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if taken(bad) {
			t.Errorf("byte %d changed, and it is taken", i)
		}
	}
	if taken(good[:len(good)-1]) || taken(append(bytes.Clone(good), 0)) || taken(nil) {
		t.Error("another length is taken")
	}
}

// TestStoredSizes: a content of another size than was laid out is an error, not a
// pack with a hole or an overlap.
func TestStoredSizes(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "p.pack"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, n := range []int{0, 1, 9, 11, pack.BlockSize + 1} {
		s := pack.NewStored(object.SHA1)
		at := s.Add(object.Blob, oid(1), 10)
		if err := s.WriteTo(file); err != nil {
			t.Fatal(err)
		}
		if err := s.Putter().Put(at, make([]byte, n)); err == nil {
			t.Errorf("%d bytes are taken for 10", n)
		}
	}
}

// indexed gives a pack and its index as files.
func indexed(t *testing.T, entries ...gittest.PackEntry) (src pack.Source, index []byte) {
	t.Helper()
	data := gittest.Pack(-1, entries...)
	a, err := read(t, data, wide)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := a.WriteIndex(&b); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "p.pack"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if _, err := file.Write(data); err != nil {
		t.Fatal(err)
	}
	return pack.Source{Keep: file, NewHasher: object.SHA1.NewHasher, Spool: func() (*os.File, error) { return os.CreateTemp(dir, "spool") }}, b.Bytes()
}

func claims(t *testing.T, src pack.Source, index []byte, lim pack.Limits) (*pack.Archive, error) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "p.idx"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.Write(index); err != nil {
		t.Fatal(err)
	}
	return pack.Claims(src, f, lim)
}

// TestClaims: an index can lead to an object and to nothing else.
func TestClaims(t *testing.T) {
	base := "the base of a delta, beyond the limit"
	src, index := indexed(t, blob(base), blob("other"), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: gittest.Delta(len(base), "more")})
	ids := []object.ID{object.SHA1.ID(gittest.ID("blob", []byte(base))), object.SHA1.ID(gittest.ID("blob", []byte("other"))), object.SHA1.ID(gittest.ID("blob", []byte(base+"more")))}
	// found counts the objects that are given, and demands that they are the right ones.
	found := func(index []byte, lim pack.Limits) int {
		t.Helper()
		a, err := claims(t, src, index, lim)
		if err != nil {
			return -1
		}
		n := 0
		for _, id := range ids {
			e, there := a.Find(id)
			if !there {
				continue
			}
			typ, content, err := a.Bytes(context.Background(), e)
			if err != nil {
				continue
			}
			if typ != object.Blob || object.SHA1.ID(gittest.ID("blob", content)) != id {
				t.Errorf("%s is given as %q", id, content)
			}
			n++
		}
		return n
	}
	if n := found(index, wide); n != 3 {
		t.Errorf("a true index leads to %d objects", n)
	}
	if n := found(index, pack.Limits{Pack: 1 << 30, Tree: 1, Files: 1000}); n != 0 {
		t.Errorf("past the limit, %d objects are given", n)
	}
	if found(index[:len(index)-1], wide) != -1 || found(index[:1000], wide) != -1 || found(nil, wide) != -1 {
		t.Error("an index that is cut off is taken")
	}
	for at := range index { // whatever it says: never another object, never a panic
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(index)
			bad[at] ^= bit
			found(bad, wide)
		}
	}
	many := bytes.Clone(index)
	binary.BigEndian.PutUint32(many[8+255*4:], 1<<31)
	if found(many, wide) != -1 {
		t.Error("an index of two billion objects is taken")
	}
}

// TestClaimsOfARing: deltas that an index makes each other's base.
func TestClaimsOfARing(t *testing.T) {
	one, two := oid(1), oid(2)
	data := gittest.Pack(-1,
		gittest.PackEntry{Type: gittest.PackRef, BaseID: two.Bytes(), Content: gittest.Delta(1, "x")},
		gittest.PackEntry{Type: gittest.PackRef, BaseID: one.Bytes(), Content: gittest.Delta(1, "y")})
	src, _ := indexed(t, blob("x"))
	if _, err := src.Keep.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	second := uint32(12 + (len(data)-12-20)/2) // both are of one size
	index := []byte("\xfftOc\x00\x00\x00\x02")
	for range 256 {
		index = binary.BigEndian.AppendUint32(index, 2)
	}
	index = two.Append(one.Append(index))
	index = append(index, make([]byte, 8)...)
	index = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(index, 12), second)
	index = append(index, make([]byte, 40)...)
	a, err := claims(t, src, index, wide)
	if err != nil {
		t.Fatal(err)
	}
	var pe *pack.Error
	claim, _ := a.Find(one)
	if _, _, err := a.Bytes(context.Background(), claim); !errors.As(err, &pe) {
		t.Errorf("%v", err)
	}
}

// TestClaimsOfABomb: an index that calls a large blob a tree has nothing spooled.
func TestClaimsOfABomb(t *testing.T) {
	src, index := indexed(t, gittest.PackEntry{Type: gittest.PackBlob, Content: make([]byte, 64<<20)})
	src.Spool = func() (*os.File, error) {
		t.Error("something is spooled")
		return nil, errors.New("no")
	}
	a, err := claims(t, src, index, wide)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range a.All() {
		if _, _, err := a.Bytes(context.Background(), e); err == nil {
			t.Error("it is given")
		}
	}
}
