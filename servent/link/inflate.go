package link

import (
	"errors"
	"fmt"
)

// Faults of a deflated stream.
var (
	// ErrBomb: the stream expands as no honest traffic does, more than 1:100 over a long time.
	ErrBomb = errors.New("deflate bomb")
	// ErrCorrupt: the stream is none of zlib.
	ErrCorrupt = errors.New("corrupt deflate stream")
)

var errEnded = errors.New("deflate stream has ended")

// What a stream may expand to: bombAllowance bytes and bombRatio times the bytes that came in.
const (
	bombAllowance = 1 << 20
	bombRatio     = 100
)

// An inflater reads a zlib stream (RFC 1950, 1951) as it arrives. Package compress/flate cannot be used: it holds back what
// it has inflated until its window is full or a flush marker comes, and LimeWire flushes without one. This one gives away
// every byte as soon as its bits are complete, and can be left at any bit: it is fed, it does not read.
//
// The window is the output buffer as well: bytes wait in it until they are read, and what has been read stays for matches
// to refer to until it is overwritten.
type inflater struct {
	src  []byte // what of the input of this call is left
	bits uint64 // read, but not used: the next one lowest
	n    uint   // number of them

	state func(*inflater) error
	final bool // the block is the last one

	window []byte // of a size that is a power of two
	w, r   uint64 // bytes ever written to and read from the window
	in     uint64 // bytes ever fed

	lit, dist *huffman // of the block
	own       [2]huffman
	lens      [maxDynamicLn]uint8 // of the codes in own
	nlit, nd  int                 // how many of them belong to each code
	npacked   int                 // lengths of the packing code
	got       int                 // how many there are already, first of the packing code, then of lens

	run      int   // bytes left of a stored block or a match
	distance int   // of the match
	err      error // why the stream cannot go on
}

func newInflater() *inflater { return &inflater{state: (*inflater).header} }

// errMore is how a state says that it cannot go on without more input. It has used up nothing of what it could not
// complete.
var errMore = errors.New("more input is needed")

// feed inflates src and returns how much of it was taken: all, unless the window is full of bytes to be read first. After
// an error, which is the end of the stream, bytes may be left to be read.
func (z *inflater) feed(src []byte) (n int, err error) {
	z.src = src
	for err = z.err; err == nil && (z.window == nil || z.room() > 0); {
		err = z.state(z)
	}
	n = len(src) - len(z.src)
	z.src = nil
	z.in += uint64(n)
	if err == errMore {
		err = nil
	}
	if err == nil && z.w > bombAllowance+bombRatio*z.in {
		err = fmt.Errorf("%d bytes out of %d: %w", z.w, z.in, ErrBomb)
	}
	z.err = err
	return n, err
}

// read moves inflated bytes to p.
func (z *inflater) read(p []byte) (n int) {
	for n < len(p) && z.r < z.w {
		at := int(z.r) & (len(z.window) - 1)
		end := min(len(z.window), at+int(z.w-z.r))
		copied := copy(p[n:], z.window[at:end])
		n += copied
		z.r += uint64(copied)
	}
	return n
}

// room returns how many bytes fit into the window before some are read.
func (z *inflater) room() int { return len(z.window) - int(z.w-z.r) }

// put writes one byte to the window, which has room for it.
func (z *inflater) put(b byte) {
	z.window[int(z.w)&(len(z.window)-1)] = b
	z.w++
}

// need makes the next n bits available, at most 56.
func (z *inflater) need(n uint) bool {
	for z.n <= 56 && len(z.src) > 0 {
		z.bits |= uint64(z.src[0]) << z.n
		z.src = z.src[1:]
		z.n += 8
	}
	return z.n >= n
}

// take uses up n bits, which are there.
func (z *inflater) take(n uint) int {
	v := z.bits & (1<<n - 1)
	z.bits >>= n
	z.n -= n
	return int(v)
}

// header reads the two bytes of zlib, which tell the size of the window.
func (z *inflater) header() error {
	if !z.need(16) {
		return errMore
	}
	cmf, flags := z.take(8), z.take(8)
	if cmf&15 != 8 || cmf>>4 > 7 || flags&0x20 != 0 || (cmf<<8|flags)%31 != 0 {
		return fmt.Errorf("zlib header %02x %02x: %w", cmf, flags, ErrCorrupt)
	}
	z.window = make([]byte, 1<<(cmf>>4+8))
	z.state = (*inflater).block
	return nil
}

// block reads the beginning of a block. After the last block the peer sends no more messages; its checksum is not looked
// at.
func (z *inflater) block() error {
	if z.final {
		return errEnded
	}
	if !z.need(3) {
		return errMore
	}
	z.final = z.take(1) == 1
	switch z.take(2) {
	case 0:
		z.take(z.n % 8)
		z.state = (*inflater).storedLength
	case 1:
		codes := fixedCodes()
		z.lit, z.dist = &codes[0], &codes[1]
		z.state = (*inflater).symbols
	case 2:
		z.state = (*inflater).dynamic
	default:
		return fmt.Errorf("block type: %w", ErrCorrupt)
	}
	return nil
}

func (z *inflater) storedLength() error {
	if !z.need(32) {
		return errMore
	}
	n, inverse := z.take(16), z.take(16)
	if n != ^inverse&0xffff {
		return fmt.Errorf("length of stored block: %w", ErrCorrupt)
	}
	z.run = n
	z.state = (*inflater).stored
	return nil
}

func (z *inflater) stored() error {
	for z.run > 0 && z.room() > 0 {
		if !z.need(8) {
			return errMore
		}
		z.put(byte(z.take(8)))
		z.run--
	}
	if z.run == 0 {
		z.state = (*inflater).block
	}
	return nil
}

// dynamic reads the sizes of the codes that a block brings.
func (z *inflater) dynamic() error {
	if !z.need(14) {
		return errMore
	}
	z.nlit, z.nd, z.npacked = z.take(5)+257, z.take(5)+1, z.take(4)+4
	if z.nlit > lastLitCode+1 || z.nd > distSymbols {
		return fmt.Errorf("%d and %d symbols: %w", z.nlit, z.nd, ErrCorrupt)
	}
	z.lens = [maxDynamicLn]uint8{}
	z.got = 0
	z.state = (*inflater).packingCode
	return nil
}

// packingCode reads the code that packs the lengths of the two others.
func (z *inflater) packingCode() error {
	for ; z.got < z.npacked; z.got++ {
		if !z.need(3) {
			return errMore
		}
		z.lens[lenOrder[z.got]] = uint8(z.take(3))
	}
	if !z.own[0].build(z.lens[:lenSymbols]) {
		return fmt.Errorf("code of lengths: %w", ErrCorrupt)
	}
	z.got = 0
	z.state = (*inflater).lengths
	return nil
}

// lengths reads the lengths of the two codes, then builds them.
func (z *inflater) lengths() error {
	for total := z.nlit + z.nd; z.got < total; {
		z.need(maxCodeLen + 7)
		symbol, n := z.own[0].decode(z.bits, z.n)
		extra := uint(0)
		if symbol >= 16 {
			extra = [...]uint{2, 3, 7}[symbol-16]
		}
		if n == 0 {
			return fmt.Errorf("length of a code: %w", ErrCorrupt)
		}
		if n+extra > z.n {
			return errMore
		}
		z.take(n)
		length, times := uint8(symbol), 1
		switch symbol {
		case 16:
			if z.got == 0 {
				return fmt.Errorf("repeated length: %w", ErrCorrupt)
			}
			length, times = z.lens[z.got-1], 3+z.take(extra)
		case 17:
			length, times = 0, 3+z.take(extra)
		case 18:
			length, times = 0, 11+z.take(extra)
		}
		if z.got+times > total {
			return fmt.Errorf("too many lengths: %w", ErrCorrupt)
		}
		for ; times > 0; times-- {
			z.lens[z.got] = length
			z.got++
		}
	}
	if !z.own[0].build(z.lens[:z.nlit]) || !z.own[1].build(z.lens[z.nlit:z.nlit+z.nd]) {
		return fmt.Errorf("codes of a block: %w", ErrCorrupt)
	}
	z.lit, z.dist = &z.own[0], &z.own[1]
	z.state = (*inflater).symbols
	return nil
}

// symbols reads literals until a match, the end of the block, or the end of the room.
func (z *inflater) symbols() error {
	for z.room() > 0 {
		z.need(56)
		symbol, n := z.lit.decode(z.bits, z.n)
		switch {
		case n > z.n:
			return errMore
		case n == 0 || symbol > lastLitCode:
			return fmt.Errorf("literal or length: %w", ErrCorrupt)
		case symbol < endOfBlock:
			z.take(n)
			z.put(byte(symbol))
		case symbol == endOfBlock:
			z.take(n)
			z.state = (*inflater).block
			return nil
		default:
			return z.match(int(symbol-firstLength), n)
		}
	}
	return nil
}

// match reads the rest of a match, whose length symbol has n bits that are not yet used up.
func (z *inflater) match(symbol int, n uint) error {
	extra := uint(lengthExtra[symbol])
	if n+extra > z.n {
		return errMore
	}
	length := int(lengthBase[symbol]) + int(z.bits>>n&(1<<extra-1))
	n += extra
	code, dn := z.dist.decode(z.bits>>n, z.n-n)
	if dn > z.n-n {
		return errMore
	}
	if dn == 0 || code >= distSymbols {
		return fmt.Errorf("distance: %w", ErrCorrupt)
	}
	n += dn
	extra = uint(distExtra[code])
	if n+extra > z.n {
		return errMore
	}
	distance := int(distBase[code]) + int(z.bits>>n&(1<<extra-1))
	if uint64(distance) > z.w || distance > len(z.window) {
		return fmt.Errorf("distance of %d bytes after %d: %w", distance, z.w, ErrCorrupt)
	}
	z.take(n + extra)
	z.run, z.distance = length, distance
	z.state = (*inflater).copyMatch
	return nil
}

func (z *inflater) copyMatch() error {
	mask := len(z.window) - 1
	count := min(z.run, z.room())
	for range count {
		z.put(z.window[(int(z.w)-z.distance)&mask])
	}
	if z.run -= count; z.run == 0 {
		z.state = (*inflater).symbols
	}
	return nil
}
