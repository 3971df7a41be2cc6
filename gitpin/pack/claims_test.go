package pack_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/internal/gittest"
)

// indexed returns a pack as a file, and its index.
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

// TestClaims: an index can lead to the object that it names, and to no other.
func TestClaims(t *testing.T) {
	base := "the base of a delta, beyond the limit"
	src, index := indexed(t, blob(base), blob("other"), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: gittest.Delta(len(base), "more")})
	ids := []object.ID{object.SHA1.ID(gittest.ID("blob", []byte(base))), object.SHA1.ID(gittest.ID("blob", []byte("other"))), object.SHA1.ID(gittest.ID("blob", []byte(base+"more")))}
	// found counts the objects that are returned, and requires that they are the right ones.
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
				t.Errorf("%s is returned as %q", id, content)
			}
			n++
		}
		return n
	}
	if n := found(index, wide); n != 3 {
		t.Errorf("a true index leads to %d objects", n)
	}
	if n := found(index, pack.Limits{Pack: 1 << 30, Tree: 1, Files: 1000}); n != 0 {
		t.Errorf("above the limit, %d objects are returned", n)
	}
	if found(index[:len(index)-1], wide) != -1 || found(index[:1000], wide) != -1 || found(nil, wide) != -1 {
		t.Error("an index that is cut off is accepted")
	}
	for at := range index { // whatever it says, there is never another object and never a panic
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(index)
			bad[at] ^= bit
			found(bad, wide)
		}
	}
	many := bytes.Clone(index)
	binary.BigEndian.PutUint32(many[8+255*4:], 1<<31)
	if found(many, wide) != -1 {
		t.Error("an index of two billion objects is accepted")
	}
}

// TestClaimsOfARing: an index can make two deltas each other's base.
func TestClaimsOfARing(t *testing.T) {
	one, two := oid(1), oid(2)
	data := gittest.Pack(-1,
		gittest.PackEntry{Type: gittest.PackRef, BaseID: two.Bytes(), Content: gittest.Delta(1, "x")},
		gittest.PackEntry{Type: gittest.PackRef, BaseID: one.Bytes(), Content: gittest.Delta(1, "y")})
	src, _ := indexed(t, blob("x"))
	if _, err := src.Keep.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	second := uint32(12 + (len(data)-12-20)/2) // both have the same size
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

// TestClaimsOfABomb: an index that leads to a large blob does not get it unpacked.
func TestClaimsOfABomb(t *testing.T) {
	src, index := indexed(t, gittest.PackEntry{Type: gittest.PackBlob, Content: make([]byte, 64<<20)})
	src.Spool = nil
	a, err := claims(t, src, index, wide)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range a.All() {
		if _, _, err := a.Bytes(context.Background(), e); err == nil || !strings.Contains(err.Error(), "the kept pack does not hold what it should") {
			t.Errorf("%v", err)
		}
	}
}
