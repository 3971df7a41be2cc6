package gitdir

import (
	"bufio"
	"crypto/sha1"
	"encoding/binary"
	"io"

	"gitlauncher/gitpin/proof"
	"gitlauncher/gitpin/worktree"
)

// writeIndex writes Git's index, version 2 (gitformat-index), so that git sees
// the files as unchanged without reading them.
func writeIndex(w io.Writer, files []proof.File, stats []worktree.Stat) error {
	sum := sha1.New()
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10)
	be := binary.BigEndian
	b := append([]byte("DIRC"), 0, 0, 0, 2)
	out.Write(be.AppendUint32(b, uint32(len(files))))
	for i := range files {
		f := &files[i]
		s := &stats[i]
		b = b[:0]
		for _, v := range []uint32{
			s.CtimeSec, s.CtimeNsec, s.MtimeSec, s.MtimeNsec,
			s.Dev, s.Ino, uint32(f.Mode), s.UID, s.GID, s.Size,
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
