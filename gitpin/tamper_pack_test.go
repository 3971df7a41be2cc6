package gitpin_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"hash/adler32"
	"os"
	"syscall"
	"time"

	"gitlauncher/internal/gittest"
)

// packAttacks are attacks on the kept pack and its index.
var packAttacks = []attack{
	{"index of the pack lies", func(s *site) {
		for _, idx := range s.packs(".idx") {
			data, err := os.ReadFile(idx)
			s.must(err)
			ids := data[8+1024:]
			n := int(data[8+1023]) // objects, fewer than 256 here
			copy(ids[:20], ids[20*(n-1):20*n])
			sum := sha1.Sum(data[:len(data)-20])
			copy(data[len(data)-20:], sum[:])
			s.must(os.Remove(idx))
			s.must(os.WriteFile(idx, data, 0o444))
		}
	}},
	{"pack changed", func(s *site) {
		for _, p := range s.packs(".pack") {
			data, err := os.ReadFile(p)
			s.must(err)
			data[len(data)/2] ^= 1
			sum := sha1.Sum(data[:len(data)-20])
			copy(data[len(data)-20:], sum[:])
			s.must(os.Remove(p))
			s.must(os.WriteFile(p, data, 0o444))
		}
	}},
	{"pack changed, its checksum made to match", func(s *site) {
		s.repack(func(data []byte) []byte {
			data[len(data)-30] ^= 1
			return data
		})
	}},
	{"planted bytes in the pack and in the file", func(s *site) {
		s.sameSize()
		s.repack(func(data []byte) []byte { return s.plant(data) })
	}},
	{"planted bytes in the pack alone", func(s *site) {
		s.repack(func(data []byte) []byte { return s.plant(data) })
	}},
	{"checksum of an object in the pack changed", func(s *site) {
		s.repack(func(data []byte) []byte {
			data[len(data)-21] ^= 1 // the last object's
			return data
		})
	}},
	{"checksum of the pack changed", func(s *site) {
		for _, p := range s.packs(".pack") {
			data, err := os.ReadFile(p)
			s.must(err)
			data[len(data)-1] ^= 1
			s.replace(p, data)
		}
	}},
	{"an object more in the pack", func(s *site) {
		s.repack(func(data []byte) []byte {
			more := gittest.Pack(-1, gittest.PackEntry{Type: gittest.PackBlob, Content: []byte(planted)})
			data[11]++
			return append(data[:len(data)-20], more[12:]...)
		})
	}},
	{"pack with a message in an attribute", func(s *site) {
		for _, p := range s.packs(".pack") {
			s.must(os.Chmod(p, 0o644))
			s.must(syscall.Setxattr(p, "user.planted", []byte(planted), 0))
		}
	}},
	{"pack with access rules", func(s *site) {
		for _, p := range s.packs(".pack") {
			s.acl(p, "access")
		}
	}},
	{"pack with a time of the future", func(s *site) {
		future := time.Now().Add(1000 * time.Hour)
		for _, p := range s.packs(".pack") {
			s.must(os.Chtimes(p, future, future))
		}
	}},
	{"pack of another owner", func(s *site) {
		for _, p := range s.packs(".pack") {
			if err := os.Chown(p, 1, 1); err != nil && os.Geteuid() == 0 {
				s.Fatal(err)
			}
		}
	}},
	{"pack that can't be changed", func(s *site) {
		for _, p := range s.packs(".pack") {
			s.freeze(p, 0x10)
		}
	}},
	{"index of another pack", func(s *site) {
		for _, idx := range s.packs(".idx") {
			data, err := os.ReadFile(idx)
			s.must(err)
			offsets := data[len(data)-40-4*int(data[8+1023]) : len(data)-40]
			for i := 0; i+8 <= len(offsets); i += 8 { // every object where its neighbour is
				offsets[i+2], offsets[i+3], offsets[i+6], offsets[i+7] = offsets[i+6], offsets[i+7], offsets[i+2], offsets[i+3]
			}
			s.replace(idx, data)
		}
	}},
	{"index points out of the pack", func(s *site) {
		for _, idx := range s.packs(".idx") {
			data, err := os.ReadFile(idx)
			s.must(err)
			for i := range data[len(data)-100 : len(data)-40] {
				data[len(data)-100+i] = 0x7f
			}
			s.replace(idx, data)
		}
	}},
	{"index cut off", func(s *site) {
		for _, idx := range s.packs(".idx") {
			s.must(os.Chmod(idx, 0o644))
			s.must(os.Truncate(idx, 1000))
		}
	}},
	{"index is a pipe", func(s *site) {
		for _, idx := range s.packs(".idx") {
			s.must(os.Remove(idx))
			s.must(syscall.Mkfifo(idx, 0o644))
		}
	}},
}

// replace puts other bytes in the place of a file that nobody may write.
func (s *site) replace(name string, data []byte) {
	s.Helper()
	s.must(os.Remove(name))
	s.must(os.WriteFile(name, data, 0o444))
}

// repack changes a pack and makes its checksum right again.
func (s *site) repack(change func([]byte) []byte) {
	s.Helper()
	for _, p := range s.packs(".pack") {
		data, err := os.ReadFile(p)
		s.must(err)
		data = change(data)
		sum := sha1.Sum(data[:len(data)-20])
		s.replace(p, append(data[:len(data)-20], sum[:]...))
	}
}

// plant puts the bytes that sameSize gives the script into the pack, too: in place
// where the script lies there as it is, else as one more object.
func (s *site) plant(data []byte) []byte {
	s.Helper()
	good := []byte(s.git("cat-file", "blob", s.h.Head+":entrypoint.sh") + "\n")
	bad := append([]byte(planted), bytes.Repeat([]byte("#"), len(good)-len(planted))...)
	if at := bytes.Index(data, good); at >= 0 {
		copy(data[at:], bad)
		binary.BigEndian.PutUint32(data[at+len(good):], adler32.Checksum(bad))
		return data
	}
	more := gittest.Pack(-1, gittest.PackEntry{Type: gittest.PackBlob, Content: bad})
	data[11]++
	return append(data[:len(data)-20], more[12:]...)
}
