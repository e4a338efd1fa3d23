package link

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// drain feeds all of src and returns what comes out.
func drain(z *inflater, src []byte) ([]byte, error) {
	var out []byte
	var buf [1000]byte
	for {
		n, err := z.feed(src)
		src = src[n:]
		waiting := z.w > z.r
		for z.w > z.r {
			out = append(out, buf[:z.read(buf[:])]...)
		}
		if err != nil || !waiting && len(src) == 0 {
			return out, err
		}
	}
}

// drainPieces feeds src in pieces of that size, until an error.
func drainPieces(z *inflater, src []byte, size int) (out []byte, err error) {
	for len(src) > 0 && err == nil {
		n := min(len(src), size)
		var more []byte
		more, err = drain(z, src[:n])
		out = append(out, more...)
		src = src[n:]
	}
	return out, err
}

// Every piece of a capture yields its messages by itself, flush marker or not; and so it does byte by byte.
func TestInflateCaptures(t *testing.T) {
	t.Parallel()
	for name := range captures {
		s := readSession(t, name)
		if !s.deflated {
			continue
		}
		whole, single := newInflater(), newInflater()
		for i, p := range s.pieces {
			want := bytes.Join(p.messages, nil)
			if got, err := drain(whole, p.wire); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s: piece %d: %x, %v; want %x", name, i, got, err, want)
			}
			var got []byte
			for _, b := range p.wire {
				more, err := drain(single, []byte{b})
				if err != nil {
					t.Fatalf("%s: piece %d: %v", name, i, err)
				}
				got = append(got, more...)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%s: piece %d, byte by byte: %x, want %x", name, i, got, want)
			}
		}
	}
}

// corpus is text that compresses in every way: repetitions near and far, noise, runs.
func corpus() []byte {
	random := rand.NewChaCha8([32]byte{7})
	noise := make([]byte, 40<<10)
	random.Read(noise)
	var b bytes.Buffer
	b.WriteString(strings.Repeat("GNUTELLA CONNECT/0.6 ", 1000))
	b.Write(noise)
	b.Write(make([]byte, 20<<10))
	b.Write(noise[10<<10 : 30<<10])
	b.WriteString(strings.Repeat("quokka axolotl narwhal ", 500))
	return b.Bytes()
}

// What package zlib writes, at any level and with flushes, comes out again, whatever the size of the pieces.
func TestInflateZlib(t *testing.T) {
	t.Parallel()
	text := corpus()
	for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, 5, flate.BestCompression} {
		var deflated bytes.Buffer
		w, err := zlib.NewWriterLevel(&deflated, level)
		if err != nil {
			t.Fatal(err)
		}
		for rest := text; len(rest) > 0; {
			n, _ := w.Write(rest[:min(len(rest), 20_000)])
			rest = rest[n:]
			w.Flush()
		}
		w.Close()
		for _, size := range []int{1, 1 << 20} {
			got, err := drainPieces(newInflater(), deflated.Bytes(), size)
			if !errors.Is(err, errEnded) || !bytes.Equal(got, text) {
				t.Errorf("level %d in pieces of %d: %d bytes, %v; want %d", level, size, len(got), err, len(text))
			}
		}
	}
}

// The smaller windows that servents declare are enough, and no distance leads out of them.
func TestInflateWindow(t *testing.T) {
	t.Parallel()
	var deflated bytes.Buffer
	w, _ := flate.NewWriterDict(&deflated, flate.BestCompression, nil)
	noise := make([]byte, 600)
	rand.NewChaCha8([32]byte{8}).Read(noise)
	w.Write(noise)
	w.Write(noise)
	w.Close()
	for header, fits := range map[string]bool{"\x08\x1d": false, "\x18\x19": false, "\x28\x15": true, "\x78\x01": true} {
		got, err := drain(newInflater(), append([]byte(header), deflated.Bytes()...))
		if fits && (!errors.Is(err, errEnded) || !bytes.Equal(got, append(noise, noise...))) {
			t.Errorf("window %x: %d bytes, %v", header, len(got), err)
		}
		if !fits && !errors.Is(err, ErrCorrupt) {
			t.Errorf("window %x: error %v, want corrupt", header, err)
		}
	}
}

func TestInflateRefuses(t *testing.T) {
	t.Parallel()
	for name, stream := range map[string]string{
		"gzip":               "\x1f\x8b\x08\x00",
		"message":            "\x00\x11\x22\x33",
		"check bits":         "\x78\x02",
		"dictionary":         "\x78\x20",
		"block type 3":       "\x78\x01\x07",
		"stored length":      "\x78\x01\x00\x01\x00\x00\x00",
		"distance too far":   "\x78\x01\x03\x02\x00\x00",
		"too many symbols":   "\x78\x01\xfd\xff\xff",
		"code of lengths":    "\x78\x01\x05\x00\xff\xff\xff\xff\xff\xff\xff\xff",
		"length symbol 286":  "\x78\x01\x1b\x03\x00",
		"distance symbol 30": "\x78\x01\x4b\x04\x3e\x00",
	} {
		if out, err := drain(newInflater(), []byte(stream)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %x, %v; want corrupt", name, out, err)
		}
	}
}

func TestInflateBomb(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	w := zlib.NewWriter(&bomb)
	w.Write(make([]byte, 4<<20))
	w.Close()
	out, err := drain(newInflater(), bomb.Bytes())
	if !errors.Is(err, ErrBomb) || len(out) > 2<<20 {
		t.Errorf("%d bytes, %v; want a bomb", len(out), err)
	}
}

// The judge is package flate: where it reads to the end, so do we, and with the same result.
func FuzzInflate(f *testing.F) {
	for name := range captures {
		if s := readSession(f, name); s.deflated {
			f.Add(s.wire()[2:], 3)
		}
	}
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, level)
		w.Write(corpus()[19<<10 : 23<<10])
		w.Close()
		f.Add(b.Bytes(), level+3)
	}
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(stream)), bombAllowance))
		z := newInflater()
		drain(z, []byte(zlibHeader))
		got, err := drainPieces(z, stream, max(size, 1))
		if errors.Is(err, ErrBomb) || len(want) == bombAllowance {
			return
		}
		if (wantErr == nil) != errors.Is(err, errEnded) {
			t.Fatalf("error %v, package flate: %v", err, wantErr)
		}
		if !bytes.HasPrefix(got, want) || wantErr == nil && len(got) != len(want) {
			t.Fatalf("got %x, package flate: %x", got, want)
		}
	})
}
