package pack

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"math/rand"
	"strings"
	"testing"
	"testing/iotest"

	kzlib "github.com/klauspost/compress/zlib"
)

// deflated gives a content in as many forms as there are compressors and levels.
func deflated(t testing.TB, content []byte) [][]byte {
	t.Helper()
	var forms [][]byte
	for level := zlib.HuffmanOnly; level <= 9; level++ {
		var b bytes.Buffer
		w, err := zlib.NewWriterLevel(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		for c := content; ; c = c[min(len(c), 9999):] { // several blocks, and empty ones
			w.Write(c[:min(len(c), 9999)])
			if level == 5 {
				w.Flush()
			}
			if len(c) == 0 {
				break
			}
		}
		w.Close()
		forms = append(forms, bytes.Clone(b.Bytes()))
		b.Reset()
		k, err := kzlib.NewWriterLevel(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		k.Write(content)
		k.Close()
		forms = append(forms, b.Bytes())
	}
	return forms
}

func inflatable() map[string][]byte {
	rnd := rand.New(rand.NewSource(1))
	noise := make([]byte, 200_000)
	rnd.Read(noise)
	var words, far bytes.Buffer
	for range 20_000 {
		fmt.Fprintf(&words, "%x ", rnd.Int63n(1<<(8+rnd.Intn(40))))
	}
	for range 30 { // the same again at the largest distances
		far.Write(noise[:32768-rnd.Intn(4)])
	}
	skewed := make([]byte, 0, 1<<18) // codes of up to 15 bits
	for i := range 18 {
		skewed = append(skewed, bytes.Repeat([]byte{byte(i * 7)}, 1<<i)...)
	}
	rnd.Shuffle(len(skewed), func(i, j int) { skewed[i], skewed[j] = skewed[j], skewed[i] })
	runs := []byte(strings.Repeat("a", 1000) + strings.Repeat("ab", 1000) + strings.Repeat("abcdefg", 1000) + strings.Repeat("abcdefghi", 1000))
	return map[string][]byte{"nothing": nil, "one byte": {1}, "noise": noise, "words": words.Bytes(), "far": far.Bytes(), "skewed": skewed, "runs": runs, "zeros": make([]byte, 1<<20)}
}

// TestInflate: every form comes out as it went in, and not a byte of what follows is
// taken, whatever the buffer holds at a time.
func TestInflate(t *testing.T) {
	var f inflater
	for name, content := range inflatable() {
		for i, z := range deflated(t, content) {
			for _, buffer := range []int{16, 61, 4096, 1 << 20} {
				stream := append(bytes.Clone(z), "what follows"...)
				in := bufio.NewReaderSize(bytes.NewReader(stream), buffer)
				out := make([]byte, len(content))
				if err := f.inflate(in, out); err != nil || !bytes.Equal(out, content) {
					t.Fatalf("%s, form %d, buffer %d: %v", name, i, buffer, err)
				}
				if rest, err := io.ReadAll(in); err != nil || string(rest) != "what follows" {
					t.Fatalf("%s, form %d, buffer %d: %d bytes follow (%v)", name, i, buffer, len(rest), err)
				}
			}
			if len(z) > 2000 || len(content) > 20_000 {
				continue
			}
			for n := range z {
				if f.inflate(bufio.NewReader(bytes.NewReader(z[:n])), make([]byte, len(content))) == nil {
					t.Fatalf("%s, form %d: cut off after %d bytes, it is taken", name, i, n)
				}
			}
			for _, other := range []int{-1, 1} {
				if n := len(content) + other; n >= 0 && f.inflate(bufio.NewReader(bytes.NewReader(z)), make([]byte, n)) == nil {
					t.Fatalf("%s, form %d: taken for %d bytes instead of %d", name, i, n, len(content))
				}
			}
		}
	}
	broken := iotest.ErrReader(io.ErrClosedPipe)
	if err := f.inflate(bufio.NewReader(broken), make([]byte, 1)); err != io.ErrClosedPipe {
		t.Errorf("the stream's own error becomes %v", err)
	}
}

// like demands that what inflate takes, the standard library takes for the same.
func like(t *testing.T, z []byte, size int) {
	t.Helper()
	var f inflater
	out := make([]byte, size)
	in := bufio.NewReader(bytes.NewReader(z))
	ours := f.inflate(in, out)
	rest, _ := io.ReadAll(in)
	ref := bytes.NewReader(z)
	var want []byte
	r, theirs := zlib.NewReader(ref)
	if theirs == nil {
		want, theirs = io.ReadAll(io.LimitReader(r, int64(size)+1))
	}
	switch {
	case ours == nil && (theirs != nil || !bytes.Equal(out, want) || ref.Len() != len(rest)):
		t.Fatalf("we take it; the standard library says %v, %d bytes, %d left instead of %d", theirs, len(want), ref.Len(), len(rest))
	case ours != nil && theirs == nil && len(want) == size:
		t.Fatalf("the standard library takes it; we say %v", ours)
	}
}

// TestInflateBroken: with any bit changed, the verdict is the standard library's.
func TestInflateBroken(t *testing.T) {
	for _, content := range inflatable() {
		content = content[:min(len(content), 400)]
		for i, z := range deflated(t, content) {
			if i%4 != 0 { // they are much alike
				continue
			}
			for at := range z {
				for bit := range 8 {
					bad := bytes.Clone(z)
					bad[at] ^= 1 << bit
					like(t, bad, len(content))
				}
			}
		}
	}
}

func FuzzInflate(f *testing.F) {
	f.Fuzz(func(t *testing.T, z []byte, size uint16) { like(t, z, int(size)) })
}
