package uploadpack

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"gitlauncher/gitpin/object"
)

// Agent is this program's name for servers. Some serve Git clients only, and look at the
// beginning of the name.
const Agent = "git/2.0-git-launcher"

// Request asks git-upload-pack (gitprotocol-pack(5)) for commits of one format. It offers no
// commits in return.
type Request struct {
	Wants        []object.ID
	Capabilities []string
	Shallow      bool // without their parents
	Treeless     bool // without trees and files
}

// Capable lists the capabilities of a request: those that the client uses and, by has, the
// server has. multi_ack is about commits that the client has, and this client has none; but
// Azure DevOps answers 400 to a request without it.
func Capable(has func(string) bool, history, treeless bool) []string {
	var c []string
	add := func(names ...string) bool {
		for _, name := range names {
			if has(name) {
				c = append(c, name)
				return true
			}
		}
		return false
	}
	add("multi_ack_detailed", "multi_ack")
	add("side-band-64k")
	add("ofs-delta")
	if history {
		add("include-tag")
	}
	if treeless {
		add("filter")
	}
	if has("agent") {
		c = append(c, "agent="+Agent)
	}
	return c
}

// Encode returns the request as bytes. It ends with "done", because nothing is negotiated.
func (r *Request) Encode() []byte {
	var b []byte
	for i, id := range r.Wants {
		line := "want " + id.String()
		if i == 0 {
			for _, c := range r.Capabilities {
				line += " " + c
			}
			if f := id.Format(); f != object.SHA1 { // servers assume SHA-1 by default
				line += " object-format=" + f.String()
			}
		}
		b = appendPacket(b, line+"\n")
	}
	if r.Shallow {
		b = appendPacket(b, "deepen 1\n")
	}
	if r.Treeless {
		b = appendPacket(b, "filter tree:0\n")
	}
	return appendPacket(append(b, "0000"...), "done\n")
}

// Answer reads the answer to the request up to the pack, and returns a reader of the pack.
// said is called with the text that the server sends beside the pack.
func (r *Request) Answer(body io.Reader, said func(text []byte)) (io.Reader, error) {
	p := newPackets(body)
	for {
		line, special, err := p.next()
		switch {
		case err == io.EOF:
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		case special: // the end of the shallow lines
		case bytes.HasPrefix(line, []byte("shallow ")), bytes.HasPrefix(line, []byte("unshallow ")):
		case bytes.Equal(line, []byte("NAK")), bytes.HasPrefix(line, []byte("ACK ")) && bytes.Count(line, []byte(" ")) == 1:
			for _, c := range r.Capabilities {
				if c == "side-band-64k" {
					return &bands{p: p, said: said, text: maxSaid}, nil
				}
			}
			return p.r, nil
		case bytes.HasPrefix(line, []byte("ACK ")): // acknowledges a common commit; more lines follow
		default:
			return nil, &ProtocolError{fmt.Sprintf("the answer is not in Git's protocol: %.40q where an acknowledgement is due", line)}
		}
	}
}

// bands reads the pack from a multiplexed answer (gitprotocol-pack(5), "Packfile Data").
type bands struct {
	p    *packets
	left int // bytes of the pack that are left in the current packet
	text int // bytes of text that the server may still send
	said func(text []byte)
	err  error
}

func (b *bands) Read(buf []byte) (int, error) {
	for b.left == 0 && b.err == nil {
		b.err = b.packet()
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.p.r.Read(buf[:min(len(buf), b.left)])
	b.left -= n
	if err != nil {
		b.err = broken(err)
	}
	return n, b.err
}

// packet reads one packet, or the beginning of one that holds bytes of the pack. io.EOF is the
// end that the server declares. Any other end of the bytes is io.ErrUnexpectedEOF.
func (b *bands) packet() error {
	n, special, err := b.p.length()
	switch {
	case err != nil:
		return broken(err)
	case special:
		return io.EOF
	case n == 0:
		return nil
	}
	band, err := b.p.r.ReadByte()
	if err != nil {
		return broken(err)
	}
	n--
	switch band {
	case 1:
		b.left = n
		return nil
	case 2, 3:
		text, err := b.p.read(n)
		if err != nil {
			return broken(err)
		}
		if band == 3 {
			return &RemoteError{string(text)}
		}
		if b.text -= n; b.text < 0 {
			return errors.New("the server says too much beside the pack")
		}
		b.said(text)
		return nil
	}
	return &ProtocolError{fmt.Sprintf("the answer is not in Git's protocol: unknown channel %#x", band)}
}

// broken returns an end of the bytes as an unexpected one.
func broken(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
