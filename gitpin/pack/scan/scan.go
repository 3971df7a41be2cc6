package scan

import (
	"io"
	"os"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/entry"
)

// Scan reads a pack's entries in order, as the pack arrives. For each entry, call Next and
// then Whole or Stream. After the last one, call End.
type Scan struct {
	intake  *intake
	scanner *scanner
	ahead   *ahead
}

// Begin begins to read a pack of at most limit bytes, and reads its header. The stream goes
// to keep. A nil stream means that keep has the pack already. A Scan must be closed.
func Begin(stream io.Reader, keep *os.File, f object.Format, limit int64) (*Scan, error) {
	in := takeIn(stream, keep, f, limit)
	s, err := newScanner(in, f)
	if err != nil {
		in.close()
		return nil, err
	}
	return &Scan{in, s, newAhead(in, f)}, nil
}

// Close ends the guessers and the intake, and waits for neither.
func (s *Scan) Close() {
	s.intake.close()
	s.ahead.end()
}

// Count returns how many objects the pack announces.
func (s *Scan) Count() uint32 { return s.scanner.count }

// Guess does the work of one guesser, of this many, and returns when the scan is closed.
func (s *Scan) Guess(guessers int) { s.ahead.guess(guessers) }

// Next reads the header of the next entry.
func (s *Scan) Next() (entry.Header, error) { return s.scanner.next() }

// Whole returns the content of the entry whose header was read. The content's checksum is
// not checked yet.
func (s *Scan) Whole(h entry.Header) (entry.Content, error) {
	if g, ok := s.ahead.take(h.Offset); ok && int64(len(g.content.Bytes)) == h.Size {
		return g.content, s.scanner.skip(g.end)
	}
	return s.scanner.inflate(h.Size)
}

// Stream returns a reader of the content of the entry whose header was read. It must be read
// to its end, where its checksum is checked, too.
func (s *Scan) Stream() (io.Reader, error) { return s.scanner.content() }

// CRC returns the CRC-32 of the entry just read, including its header.
func (s *Scan) CRC() uint32 { return s.scanner.entryCRC() }

// End checks that the pack ends here, with the checksum of all bytes before. It returns the
// checksum and the pack's size in bytes.
func (s *Scan) End() (checksum []byte, size int64, err error) {
	sum, err := s.scanner.trailer()
	if err != nil {
		return nil, 0, err
	}
	return sum, s.scanner.position(), s.intake.checkTrailer(sum)
}
