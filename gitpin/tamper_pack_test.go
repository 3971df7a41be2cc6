package gitpin_test

import (
	"bytes"
	"encoding/binary"
	"hash/adler32"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
)

// packAttacks are attacks on the kept pack and its index.
var packAttacks = []attack{
	{"index of the pack lies", func(s *site) {
		for _, idx := range s.packs(".idx") {
			data, err := os.ReadFile(idx)
			s.must(err)
			ids, size := data[8+1024:], s.size()
			n := int(data[8+1023]) // objects, fewer than 256 here
			copy(ids[:size], ids[size*(n-1):size*n])
			s.sum(data)
			s.must(os.Remove(idx))
			s.must(os.WriteFile(idx, data, 0o444))
		}
	}},
	{"pack changed", func(s *site) {
		for _, p := range s.packs(".pack") {
			data, err := os.ReadFile(p)
			s.must(err)
			data[len(data)/2] ^= 1
			s.sum(data)
			s.must(os.Remove(p))
			s.must(os.WriteFile(p, data, 0o444))
		}
	}},
	{"pack changed, its checksum made to match", func(s *site) {
		s.repack(func(data []byte) []byte {
			data[len(data)-s.size()-10] ^= 1
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
			data[len(data)-s.size()-1] ^= 1 // the last object's
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
			more := s.pack(gittest.PackEntry{Type: gittest.PackBlob, Content: []byte(planted)})
			data[11]++
			return append(data[:len(data)-s.size()], more[12:]...)
		})
	}},
	{"pack and index of the other format", func(s *site) {
		other := map[object.Format]object.Format{object.SHA1: object.SHA256, object.SHA256: object.SHA1}[s.format()]
		for _, p := range s.packs(".pack") {
			data, err := os.ReadFile(p)
			s.must(err)
			sum := other.NewChecksum()
			sum.Write(data[:len(data)-s.size()])
			s.replace(p, sum.Sum(data[:len(data)-s.size()]))
			idx := strings.TrimSuffix(p, "pack") + "idx"
			s.must(os.Remove(idx))
			if out, err := exec.Command("git", "index-pack", "--object-format="+other.String(), p).CombinedOutput(); err != nil {
				s.Logf("git makes no index of it: %s", out) // a base that is named by its id
				s.must(os.WriteFile(idx, nil, 0o444))
			}
		}
	}},
	{"configuration of the other format", func(s *site) {
		text, err := os.ReadFile(s.path(".git/config"))
		s.must(err)
		if s.format() == object.SHA256 {
			text = []byte(strings.NewReplacer("sha256", "sha1").Replace(string(text)))
		} else {
			text = append([]byte("[extensions]\n\tobjectFormat = sha256\n"), text...)
		}
		s.must(os.WriteFile(s.path(".git/config"), text, 0o644))
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
			offsets := data[len(data)-2*s.size()-4*int(data[8+1023]) : len(data)-2*s.size()]
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
			end := len(data) - 2*s.size()
			for i := end - 60; i < end; i++ {
				data[i] = 0x7f
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

// format returns the format of the repository.
func (s *site) format() object.Format {
	id, err := object.ParseID(s.h.Head)
	s.must(err)
	return id.Format()
}

// size returns the size of an id, which is also that of a checksum.
func (s *site) size() int { return s.format().Size() }

// sum corrects the checksum at the end of a pack or an index.
func (s *site) sum(data []byte) {
	h := s.format().NewChecksum()
	h.Write(data[:len(data)-s.size()])
	copy(data[len(data)-s.size():], h.Sum(nil))
}

// pack makes a pack of the repository's format.
func (s *site) pack(entries ...gittest.PackEntry) []byte {
	return gittest.Hash(s.format().NewChecksum).Pack(-1, entries...)
}

// replace replaces a file that nobody may write to.
func (s *site) replace(name string, data []byte) {
	s.Helper()
	s.must(os.Remove(name))
	s.must(os.WriteFile(name, data, 0o444))
}

// repack changes a pack and corrects its checksum.
func (s *site) repack(change func([]byte) []byte) {
	s.Helper()
	for _, p := range s.packs(".pack") {
		data, err := os.ReadFile(p)
		s.must(err)
		data = change(data)
		s.sum(data)
		s.replace(p, data)
	}
}

// plant puts the bytes that sameSize writes to the script into the pack, too: over the
// script if it is there uncompressed, and otherwise as one more object.
func (s *site) plant(data []byte) []byte {
	s.Helper()
	good := []byte(s.git("cat-file", "blob", s.h.Head+":entrypoint.sh") + "\n")
	bad := append([]byte(planted), bytes.Repeat([]byte("#"), len(good)-len(planted))...)
	if at := bytes.Index(data, good); at >= 0 {
		copy(data[at:], bad)
		binary.BigEndian.PutUint32(data[at+len(good):], adler32.Checksum(bad))
		return data
	}
	more := s.pack(gittest.PackEntry{Type: gittest.PackBlob, Content: bad})
	data[11]++
	return append(data[:len(data)-s.size()], more[12:]...)
}
