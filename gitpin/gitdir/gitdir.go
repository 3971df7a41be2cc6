package gitpin

import (
	"bufio"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"syscall"

	"gitlauncher/gitpin/pack"
)

// gitDir is a .git directory that is made from scratch, every byte of it ours
// but for the pack, whose objects are all proven.
type gitDir struct {
	root *os.Root // the directory in the making
	at   string   // of the .git directory below root
}

// gitDirs are the directories without which git sees no repository.
var gitDirs = []string{"objects/pack", "objects/info", "refs/heads", "refs/tags", "info"}

func (g gitDir) path(name string) string { return path.Join(g.at, name) }

func (g gitDir) make() error {
	for _, dir := range gitDirs {
		if err := g.root.MkdirAll(g.path(dir), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// packPath is where a pack of that checksum lies, without its ending.
func packPath(a *pack.Archive) string {
	return "objects/pack/pack-" + hex.EncodeToString(a.Checksum[:])
}

// history is what a repository has beside the tree of its head.
type history struct {
	shallow bool              // the head's parents are left out
	tags    map[string]string // annotated tags, name to id of the tag object
}

// write makes all files but the pack itself.
func (g gitDir) write(p *Params, a *pack.Archive, files []File, h history, exclude string) error {
	put := func(name, content string) error { return g.root.WriteFile(g.path(name), []byte(content), 0o644) }
	steps := []func() error{
		func() error { return put("HEAD", p.Commit.String()+"\n") },
		func() error { return put("config", gitConfig(p.Repo.String())) },
		func() error { return put("info/exclude", exclude) },
		func() error { return g.create(packPath(a)+".idx", 0o444, a.WriteIndex) },
		func() error { return g.create("index", 0o644, func(w io.Writer) error { return writeIndex(w, files) }) },
	}
	if h.shallow {
		steps = append(steps, func() error { return put("shallow", p.Commit.String()+"\n") })
	}
	for name, id := range h.tags {
		steps = append(steps, func() error {
			if err := g.root.MkdirAll(g.path(path.Dir("refs/tags/"+name)), 0o755); err != nil {
				return err
			}
			return put("refs/tags/"+name, id+"\n")
		})
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("writing .git: %w", err)
		}
	}
	return nil
}

func (g gitDir) create(name string, perm os.FileMode, fill func(io.Writer) error) error {
	f, err := g.root.OpenFile(g.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	err = fill(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// gitConfig is .git/config: what git needs, and the origin. The URL holds no
// credential and no control character (config.RepoURL).
func gitConfig(url string) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(url)
	return "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n" +
		"[remote \"origin\"]\n\turl = \"" + quoted + "\"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
}

// writeIndex writes Git's index, version 2 (gitformat-index), so that git sees
// the files as unchanged without reading them.
func writeIndex(w io.Writer, files []File) error {
	sum := sha1.New()
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10)
	be := binary.BigEndian
	b := append([]byte("DIRC"), 0, 0, 0, 2)
	out.Write(be.AppendUint32(b, uint32(len(files))))
	for i := range files {
		f := &files[i]
		s := &f.stat
		b = b[:0]
		for _, v := range []uint32{
			uint32(s.ctime.Sec), uint32(s.ctime.Nsec), uint32(s.mtime.Sec), uint32(s.mtime.Nsec),
			uint32(s.dev), uint32(s.ino), uint32(f.Mode), s.uid, s.gid, s.size,
		} {
			b = be.AppendUint32(b, v)
		}
		b = append(b, f.ID[:]...)
		b = be.AppendUint16(b, uint16(min(len(f.Path), 0xfff)))
		b = append(b, f.Path...)
		for pad := 8 - len(b)%8; pad > 0; pad-- {
			b = append(b, 0)
		}
		out.Write(b)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := w.Write(sum.Sum(nil))
	return err
}

// tagName accepts a tag's name as a file below refs/tags: the harmless part of
// what git-check-ref-format(1) allows.
func tagName(name string) bool {
	if name == "" || len(name) > 200 || strings.Contains(name, "..") || strings.HasSuffix(name, ".lock") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasPrefix(part, "-") || strings.HasSuffix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/") == ""
}

// spool makes an empty file in the staging directory that has no name any more.
func spool(root *os.Root, dir string) (*os.File, error) {
	name := path.Join(dir, fmt.Sprintf("spool-%d", syscall.Getpid()))
	for i := 0; ; i++ {
		at := fmt.Sprintf("%s-%d", name, i)
		f, err := root.OpenFile(at, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return f, root.Remove(at)
	}
}
