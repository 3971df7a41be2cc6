package worktree

import "golang.org/x/sys/unix"

// Stat is what Git's index keeps of a file to know later whether it has changed. Each value
// is cut to the 32 bits that the index has.
type Stat struct {
	CtimeSec, CtimeNsec, MtimeSec, MtimeNsec uint32
	Dev, Ino, UID, GID, Size                 uint32
}

func statOf(s *unix.Stat_t) Stat {
	return Stat{
		uint32(s.Ctim.Sec), uint32(s.Ctim.Nsec), uint32(s.Mtim.Sec), uint32(s.Mtim.Nsec),
		uint32(s.Dev), uint32(s.Ino), s.Uid, s.Gid, uint32(s.Size),
	}
}

func fstatat(at int, name string, st *unix.Stat_t) error {
	return unix.Fstatat(at, name, st, unix.AT_SYMLINK_NOFOLLOW)
}
