package gitdir

import (
	"bufio"
	"encoding/binary"
	"io"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/proof"
	"gitlauncher/gitpin/worktree"
)

// writeIndex writes Git's index, version 2 (gitformat-index(5)), so that git knows without
// reading the files that they have not changed.
func writeIndex(w io.Writer, f object.Format, files []proof.File, stats []worktree.Stat) error {
	sum := f.NewChecksum()
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10)
	be := binary.BigEndian
	b := append([]byte("DIRC"), 0, 0, 0, 2)
	out.Write(be.AppendUint32(b, uint32(len(files))))
	for i := range files {
		file := &files[i]
		s := &stats[i]
		b = b[:0]
		for _, v := range []uint32{
			s.CtimeSec, s.CtimeNsec, s.MtimeSec, s.MtimeNsec,
			s.Dev, s.Ino, uint32(file.Mode), s.UID, s.GID, s.Size,
		} {
			b = be.AppendUint32(b, v)
		}
		b = file.ID.Append(b)
		b = be.AppendUint16(b, uint16(min(len(file.Path), 0xfff)))
		b = append(b, file.Path...)
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
