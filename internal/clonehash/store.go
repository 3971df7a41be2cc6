package clonehash

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/internal/regularfile"
)

const (
	maxObject     = 1 << 40   // bytes of one file
	maxMeta       = 128 << 20 // bytes of one commit or tree, as a launcher takes them
	maxAlternates = 16        // folders of objects, the clone's own included
	maxWord       = 1 << 20   // bytes of a file that names something
)

// store holds the objects of a clone: loose ones and packs, its own and those of clones
// that it borrows from (gitrepository-layout(5), "objects/info/alternates").
type store struct {
	format object.Format
	dirs   []string // of objects
	packs  []*pack.Archive
	files  []*os.File // that packs are read from
}

// openStore opens all packs below a folder of objects.
func openStore(dir string, f object.Format) (*store, error) {
	s := &store{format: f, dirs: []string{dir}}
	for i := 0; i < len(s.dirs); i++ {
		if err := s.borrow(s.dirs[i]); err != nil {
			s.close()
			return nil, err
		}
		indexes, err := filepath.Glob(filepath.Join(glob(s.dirs[i]), "pack", "pack-*.idx"))
		if err != nil {
			s.close()
			return nil, err
		}
		for _, index := range indexes {
			if err := s.openPack(index); err != nil {
				s.close()
				return nil, fmt.Errorf("%s: %w", index, err)
			}
		}
	}
	return s, nil
}

// glob returns a pattern that matches only this path.
func glob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

func (s *store) close() {
	for _, f := range s.files {
		f.Close()
	}
}

// borrow adds the folders that a folder of objects names as others to look in.
func (s *store) borrow(dir string) error {
	list, err := regularfile.Read(filepath.Join(dir, "info", "alternates"), maxWord)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("its list of alternates: %w", err)
	}
	for line := range strings.SplitSeq(string(list), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		if !filepath.IsAbs(line) {
			line = filepath.Join(dir, line)
		}
		if line = filepath.Clean(line); slices.Contains(s.dirs, line) {
			continue
		}
		if s.dirs = append(s.dirs, line); len(s.dirs) > maxAlternates {
			return fmt.Errorf("it borrows objects from more than %d other folders", maxAlternates-1)
		}
	}
	return nil
}

// openPack opens a pack with its index. Nothing that the index says is believed.
func (s *store) openPack(index string) error {
	idx, err := regularfile.Open(index)
	if err != nil {
		return err
	}
	defer idx.Close()
	packed, err := regularfile.Open(strings.TrimSuffix(index, "idx") + "pack")
	if err != nil {
		return err
	}
	s.files = append(s.files, packed)
	a, err := pack.Claims(pack.Source{Keep: packed, NewHasher: s.format.NewHasher, Spool: spool}, idx, pack.Limits{Pack: maxObject, Tree: maxObject, Files: maxEntries})
	if err == nil {
		s.packs = append(s.packs, a)
	}
	return err
}

// spool creates a file without a name, for what is too large for memory.
func spool() (*os.File, error) {
	f, err := os.CreateTemp("", "git-launcher-verify-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// has reports whether there is an object of that name. It proves nothing.
func (s *store) has(id object.ID) bool {
	name := id.String()
	for _, dir := range s.dirs {
		if _, err := os.Lstat(filepath.Join(dir, name[:2], name[2:])); err == nil {
			return true
		}
	}
	return slices.ContainsFunc(s.packs, func(a *pack.Archive) bool { _, there := a.Find(id); return there })
}

// read returns the content of a commit or of a tree, and proves that it has that id.
func (s *store) read(id object.ID, want object.Type) ([]byte, error) {
	if id.Format() != s.format {
		return nil, s.wrongFormat(id, want)
	}
	var content bytes.Buffer
	found, err := s.loose(id, want, maxMeta, &content)
	for _, a := range s.packs {
		if found || err != nil {
			break
		}
		e, there := a.Find(id)
		if !there {
			continue
		}
		var got object.Type
		var b []byte
		found = true
		if got, b, err = a.Bytes(context.Background(), e); err == nil && got != want {
			err = fmt.Errorf("it is a %s", got)
		}
		content.Write(b)
	}
	return content.Bytes(), s.fault(id, want, found, err)
}

// blob copies a file's content to w, and proves that it has that id.
func (s *store) blob(id object.ID, w io.Writer) error {
	found, err := s.loose(id, object.Blob, maxObject, w)
	for _, a := range s.packs {
		if found || err != nil {
			break
		}
		if e, there := a.Find(id); there {
			found, err = true, a.WriteTo(context.Background(), e, w)
		}
	}
	return s.fault(id, object.Blob, found, err)
}

func (s *store) fault(id object.ID, t object.Type, found bool, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: the clone's bytes are not its own; the clone is damaged or forged: %w", t, id, err)
	case !found:
		return fmt.Errorf("%s %s: the clone does not have it", t, id)
	}
	return nil
}

// wrongFormat says that an id of the other format can't be in this clone.
func (s *store) wrongFormat(id object.ID, t object.Type) error {
	return fmt.Errorf("%s %s: it is a %s id, of %d digits; the clone is of a %s repository, whose ids have %d", t, id, id.Format().Title(), id.Format().Digits(), s.format.Title(), s.format.Digits())
}

// loose copies a loose object's content to w, and proves that it has that id. found
// says whether there is a file of its name.
func (s *store) loose(id object.ID, want object.Type, most int64, w io.Writer) (found bool, err error) {
	name := id.String()
	for _, dir := range s.dirs {
		f, err := regularfile.Open(filepath.Join(dir, name[:2], name[2:]))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return true, err
		}
		defer f.Close()
		return true, s.unpack(f, id, want, most, w)
	}
	return false, nil
}

// unpack reads a loose object: type, size and content in one zlib stream.
func (s *store) unpack(f io.Reader, id object.ID, want object.Type, most int64, w io.Writer) error {
	z, err := zlib.NewReader(bufio.NewReader(f))
	if err != nil {
		return err
	}
	from := bufio.NewReader(z)
	const longest = 32 // bytes of a header
	var head []byte
	for len(head) == 0 || head[len(head)-1] != 0 {
		c, err := from.ReadByte()
		if err != nil || len(head) == longest {
			return errors.Join(errors.New("it has no header"), err)
		}
		head = append(head, c)
	}
	digits, ok := strings.CutPrefix(string(head[:len(head)-1]), want.String()+" ")
	size, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || size < 0 || size > most {
		return fmt.Errorf("it is no %s of up to %d bytes", want, most)
	}
	hasher := s.format.NewHasher()
	hasher.Begin(want, size)
	if n, err := io.Copy(io.MultiWriter(hasher, w), io.LimitReader(from, size+1)); err != nil || n != size {
		return errors.Join(errors.New("it has another size than it says"), err)
	}
	if got, err := hasher.ID(); err != nil {
		return err
	} else if got != id {
		return fmt.Errorf("they are those of %s", got)
	}
	return nil
}
