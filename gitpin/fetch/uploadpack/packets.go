package uploadpack

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

const (
	// maxBefore is how many bytes may precede a pack. Most of them are references; large
	// hosts advertise some 10 MiB.
	maxBefore = 64 << 20
	// maxPacket is how many bytes a pkt-line may have, its length included
	// (gitprotocol-common(5)).
	maxPacket = 65520
	// maxSaid is how many bytes of text a server may send beside a pack.
	maxSaid = 16 << 20
)

// ErrTooMuch means that a server floods its client.
var ErrTooMuch = errors.New("the server says too much before the pack")

// ProtocolError is an answer that breaks Git's protocol.
type ProtocolError struct{ What string }

func (e *ProtocolError) Error() string { return e.What }

// RemoteError is the reason that a server itself gives for sending no pack.
type RemoteError struct{ Said string }

func (e *RemoteError) Error() string { return "the server says: " + e.Said }

// packets reads pkt-lines (gitprotocol-common(5)). It holds one line at a time.
type packets struct {
	r    *bufio.Reader
	left int // bytes that may still come before the pack
	line []byte
}

func newPackets(r io.Reader) *packets {
	return &packets{r: bufio.NewReaderSize(r, 64<<10), left: maxBefore}
}

// length reads the length of the next line's content. A special line, such as a flush or a
// delimiter, has no content. io.EOF means that the bytes end between two lines.
func (p *packets) length() (n int, special bool, err error) {
	var head [4]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return 0, false, err
	}
	for _, c := range head {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | int(c|0x20-'a'+10)
		default:
			return 0, false, &ProtocolError{fmt.Sprintf("the answer is not in Git's protocol: it has %q where a length is due", head)}
		}
	}
	switch {
	case n <= 2:
		return 0, true, nil
	case n == 3 || n > maxPacket:
		return 0, false, &ProtocolError{fmt.Sprintf("the answer is not in Git's protocol: a line has the length %d", n)}
	}
	return n - 4, false, nil
}

// next reads a line before the pack, and returns it without its newline. The line is valid
// until the next call. A line in which the server refuses is a [*RemoteError].
func (p *packets) next() (line []byte, special bool, err error) {
	n, special, err := p.length()
	if err != nil || special {
		return nil, special, err
	}
	if p.left -= n + 4; p.left < 0 {
		return nil, false, ErrTooMuch
	}
	if line, err = p.read(n); err != nil {
		return nil, false, err
	}
	if len(line) > 4 && string(line[:4]) == "ERR " {
		return nil, false, &RemoteError{string(line[4:])}
	}
	if len(line) > 0 && line[len(line)-1] == '\n' {
		line = line[:len(line)-1]
	}
	return line, false, nil
}

// read reads n bytes of a line. n is at most maxPacket.
func (p *packets) read(n int) ([]byte, error) {
	if cap(p.line) < n {
		p.line = make([]byte, n)
	}
	p.line = p.line[:n]
	_, err := io.ReadFull(p.r, p.line)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return p.line, err
}

// appendPacket appends a line, preceded by its length.
func appendPacket(b []byte, line string) []byte {
	return fmt.Appendf(b, "%04x%s", len(line)+4, line)
}
