package qrp

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sync"
)

// Compressors of patch data.
const (
	Plain = 0
	Zlib  = 1
)

const (
	// Infinity is the distance that we announce for an absent word; a present one is one link away.
	Infinity = 7
	// patchBytes bounds the data of one patch that we send.
	patchBytes = 4096
	entryBits  = 4
	nibbleSet  = 0xa // 1 − Infinity
	nibbleGone = 0x6 // Infinity − 1
)

// A Patch is one PATCH message: part Number of Count.
type Patch struct {
	Number, Count uint8
	Compressor    uint8
	EntryBits     uint8
	Data          []byte
}

// Patches returns the messages that turn old, which the peer has, into next, in order. A nil old is a table just reset. Both
// must be of one size. The data is compressed where that makes it smaller and squeeze allows it: on a link that is deflated
// itself it gains nothing.
func Patches(old, next *Table, squeeze bool) []Patch {
	data := nibbles(old, next)
	compressor := uint8(Plain)
	if squeeze {
		if deflated := deflate(data); len(deflated) < len(data) {
			data, compressor = deflated, Zlib
		}
	}
	size := max(patchBytes, (len(data)+254)/255) // the count is one byte
	count := (len(data) + size - 1) / size
	patches := make([]Patch, 0, count)
	for i := range count {
		part := data[i*size : min((i+1)*size, len(data))]
		patches = append(patches, Patch{uint8(i + 1), uint8(count), compressor, entryBits, part})
	}
	return patches
}

// deflaters are kept between sequences: a new one takes more than 800 KiB.
var deflaters = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}

func deflate(data []byte) []byte {
	w := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	w.Write(data) // a bytes.Buffer takes everything
	w.Close()
	return b.Bytes()
}

// nibbles encodes the difference of two tables in entries of four bits, which every servent reads.
func nibbles(old, next *Table) []byte {
	if old == nil {
		old = NewTable(next.Slots())
	}
	data := make([]byte, (next.Slots()+1)/2)
	for i, now := range next.present {
		for differ := now ^ old.present[i]; differ != 0; differ &= differ - 1 {
			bit := bits.TrailingZeros64(differ)
			v := byte(nibbleGone)
			if now>>bit&1 != 0 {
				v = nibbleSet
			}
			slot := i*64 + bit
			data[slot/2] |= v << (4 * (1 - slot%2))
		}
	}
	return data
}

// Errors of a [Receiver]. Each is a reason to drop the link: the table is no longer known.
var (
	ErrSlots    = errors.New("table size is not a power of two within bounds")
	ErrNoReset  = errors.New("patch before reset")
	ErrSequence = errors.New("patch out of sequence")
	ErrEntry    = errors.New("patch entries are not of 1, 2, 4 or 8 bits, or change within a sequence")
	ErrData     = errors.New("patch data does not cover the table")
)

// maxData bounds the data of a sequence: as much as [MaxSlots] entries of four bits.
const maxData = 1 << 20

// A Receiver builds the table that one peer announces. Its memory is bounded, whatever the peer sends: two tables of
// [MaxSlots], and 1 MiB of patches that wait for their last one. The zero Receiver has no table.
type Receiver struct {
	table *Table
	first Patch // shape of the sequence under way
	next  uint8 // number expected next, 0: none under way
	data  []byte
}

// Table returns the table as the last RESET or whole sequence left it; nil before the first RESET. It does not change
// afterwards: the next sequence makes another one.
func (r *Receiver) Table() *Table { return r.table }

// Reset begins an empty table.
func (r *Receiver) Reset(slots uint32) error {
	if !validSlots(slots) {
		return fmt.Errorf("reset to %d slots: %w", slots, ErrSlots)
	}
	*r = Receiver{table: NewTable(int(slots))}
	return nil
}

// Patch takes the next message of a sequence, and tells whether it was the last one: then there is another table. It keeps no
// reference to p.Data.
func (r *Receiver) Patch(p Patch) (whole bool, err error) {
	if r.table == nil {
		return false, ErrNoReset
	}
	if r.next == 0 {
		r.first, r.next, r.data = p, 1, nil
		r.first.Data = nil
	}
	switch {
	case p.Number != r.next || p.Count != r.first.Count || p.Number > p.Count:
		return false, fmt.Errorf("patch %d of %d, awaiting %d of %d: %w", p.Number, p.Count, r.next, r.first.Count, ErrSequence)
	case p.EntryBits != r.first.EntryBits || p.Compressor != r.first.Compressor, p.Compressor > Zlib,
		p.EntryBits != 1 && p.EntryBits != 2 && p.EntryBits != 4 && p.EntryBits != 8:
		return false, fmt.Errorf("patch of %d bits, compressor %d: %w", p.EntryBits, p.Compressor, ErrEntry)
	case len(r.data)+len(p.Data) > min(r.want()+1024, maxData): // zlib may add a little to what it cannot compress
		return false, fmt.Errorf("patch %d of %d: more than %d bytes: %w", p.Number, p.Count, min(r.want(), maxData), ErrData)
	}
	r.data = append(r.data, p.Data...)
	if p.Number < p.Count {
		r.next++
		return false, nil
	}
	data := r.data
	r.next, r.data = 0, nil
	if err := r.apply(data); err != nil {
		return false, err
	}
	return true, nil
}

// want is the size in bytes of a patch that covers the table.
func (r *Receiver) want() int { return (r.table.Slots()*int(r.first.EntryBits) + 7) / 8 }

// chunk is how much of a patch is inflated at a time.
const chunk = 4 << 10

// apply makes the table that a whole sequence turns this one into.
func (r *Receiver) apply(data []byte) error {
	var entries io.Reader = bytes.NewReader(data)
	if r.first.Compressor == Zlib {
		z, err := inflaterOf(data)
		if err != nil {
			return fmt.Errorf("inflate patch: %w: %w", ErrData, err)
		}
		defer inflaters.Put(z)
		entries = z
	}
	next := r.table.Clone()
	buf := make([]byte, chunk)
	at, want := 0, r.want()
	for {
		n, err := entries.Read(buf)
		if at+n > want {
			return fmt.Errorf("patch of more than %d bytes for %d slots: %w", want, next.Slots(), ErrData)
		}
		next.patch(buf[:n], at, r.first.EntryBits)
		at += n
		switch {
		case err == io.EOF && at < want:
			return fmt.Errorf("patch of %d bytes for %d slots: %w", at, next.Slots(), ErrData)
		case err == io.EOF:
			r.table = next
			return nil
		case err != nil:
			return fmt.Errorf("inflate patch: %w: %w", ErrData, err)
		}
	}
}

// patch applies a part of the patch data, which begins with byte at of the whole.
func (t *Table) patch(data []byte, at int, width uint8) {
	perByte := 8 / int(width)
	for i, b := range data {
		if b == 0 {
			continue
		}
		for k := range min(perByte, t.Slots()) {
			v := int8(b<<(k*int(width))) >> (8 - width) // sign-extended
			switch slot := uint32((at+i)*perByte + k); {
			case v == 0:
			case width == 1:
				t.flip(slot)
			case v < 0:
				t.set(slot)
			default:
				t.clear(slot)
			}
		}
	}
}

// inflaters are kept between sequences too.
var inflaters sync.Pool

func inflaterOf(data []byte) (io.Reader, error) {
	z, ok := inflaters.Get().(io.Reader)
	if !ok {
		return zlib.NewReader(bytes.NewReader(data))
	}
	return z, z.(zlib.Resetter).Reset(bytes.NewReader(data), nil)
}
