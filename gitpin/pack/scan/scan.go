package scan

import (
	"io"
	"os"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/entry"
)

// Scan reads a pack's entries in order, as the pack comes in. For each, Next is called,
// then Whole or Stream; after the last one, End.
type Scan struct {
	intake  *intake
	scanner *scanner
	ahead   *ahead
}

// Begin begins to take a pack in, of at most limit bytes, and reads its header. A nil
// stream means that keep holds the pack already; otherwise keep gets it. A Scan must be
// closed.
func Begin(stream io.Reader, keep *os.File, f object.Format, limit int64) (*Scan, error) {
	in := takeIn(stream, keep, f, limit)
	s, err := newScanner(in, f)
	if err != nil {
		in.close()
		return nil, err
	}
	return &Scan{in, s, newAhead(in, f)}, nil
}

// Close ends the guessers and the intake, whatever they are doing.
func (s *Scan) Close() {
	s.intake.close()
	s.ahead.end()
}

// Count returns how many objects the pack announces.
func (s *Scan) Count() uint32 { return s.scanner.count }

// Guess is one of so many guessers, which inflate ahead of the scan until it is closed.
func (s *Scan) Guess(guessers int) { s.ahead.guess(guessers) }

// Next reads the header of the next entry.
func (s *Scan) Next() (entry.Header, error) { return s.scanner.next() }

// Whole returns the content of the entry whose header was read. Its checksum is not
// looked at yet.
func (s *Scan) Whole(h entry.Header) (entry.Content, error) {
	if g, ok := s.ahead.take(h.Offset); ok && int64(len(g.content.Bytes)) == h.Size {
		return g.content, s.scanner.skip(g.end)
	}
	return s.scanner.inflate(h.Size)
}

// Stream returns the content of the entry whose header was read. It must be read to its
// end, which also proves its checksum.
func (s *Scan) Stream() (io.Reader, error) { return s.scanner.content() }

// CRC returns the CRC-32 of the entry just read, header included.
func (s *Scan) CRC() uint32 { return s.scanner.entryCRC() }

// End checks that the pack ends here, with the checksum of all before, and returns that
// and the pack's size.
func (s *Scan) End() (checksum []byte, size int64, err error) {
	sum, err := s.scanner.trailer()
	if err != nil {
		return nil, 0, err
	}
	return sum, s.scanner.position(), s.intake.checkTrailer(sum)
}
