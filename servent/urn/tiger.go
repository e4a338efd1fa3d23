package urn

import "encoding/binary"

// blockLen is the size in bytes of the blocks that Tiger compresses.
const blockLen = 64

// A tigerState is the three words that Tiger turns over; stored in this order they are the hash.
type tigerState [3]uint64

var tigerStart = tigerState{0x0123456789ABCDEF, 0xFEDCBA9876543210, 0xF096A5B4C3B2E187}

// sboxes are the four tables that Tiger looks bytes up in.
type sboxes [4][256]uint64

var tigerBoxes = generateBoxes()

// generateBoxes makes the tables as the authors of Tiger did: each column starts as the identity and is shuffled five times,
// by Tiger itself with the tables as they are so far and a text as its one block.
func generateBoxes() *sboxes {
	const passes = 5
	text := []byte("Tiger - A Fast New Hash Function, by Ross Anderson and Eli Biham")
	var t sboxes
	for i := range t {
		for j := range t[i] {
			t[i][j] = uint64(j) * 0x0101010101010101
		}
	}
	state, word := tigerStart, 2
	for range passes {
		for i := range 256 {
			for box := range t {
				if word++; word == len(state) {
					word = 0
					state.compress(text, &t)
				}
				for column := 0; column < 64; column += 8 {
					j := uint8(state[word] >> column)
					swapped := (t[box][i] ^ t[box][j]) & (0xff << column)
					t[box][i] ^= swapped
					t[box][j] ^= swapped
				}
			}
		}
	}
	return &t
}

// sum is Tiger with its first padding (0x01, not the 0x80 of Tiger2).
func sum(b []byte) Tiger {
	state, bits := tigerStart, uint64(len(b))*8
	for ; len(b) >= blockLen; b = b[blockLen:] {
		state.compress(b, tigerBoxes)
	}
	var last [2 * blockLen]byte
	n := copy(last[:], b)
	last[n] = 0x01
	end := blockLen
	if n+1+8 > blockLen {
		end = 2 * blockLen
	}
	binary.LittleEndian.PutUint64(last[end-8:], bits)
	for i := 0; i < end; i += blockLen {
		state.compress(last[i:], tigerBoxes)
	}
	var h Tiger
	for i, w := range state {
		binary.LittleEndian.PutUint64(h[8*i:], w)
	}
	return h
}

// compress takes the first 64 bytes of b in. It and what it calls share nothing with anybody, and the race detector would look
// at each of their hundreds of look-ups.
//
//go:norace
func (s *tigerState) compress(b []byte, t *sboxes) {
	var x [8]uint64
	b = b[:blockLen]
	for i := range x {
		x[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	a, b0, c := pass(s[0], s[1], s[2], &x, 5, t)
	schedule(&x)
	c, a, b0 = pass(c, a, b0, &x, 7, t)
	schedule(&x)
	b0, c, a = pass(b0, c, a, &x, 9, t)
	s[0] ^= a
	s[1] = b0 - s[1]
	s[2] += c
}

// pass is eight rounds, in which the three words change their parts.
//
//go:norace
func pass(a, b, c uint64, x *[8]uint64, factor uint64, t *sboxes) (uint64, uint64, uint64) {
	c ^= x[0]
	a -= even(c, t)
	b = (b + odd(c, t)) * factor
	a ^= x[1]
	b -= even(a, t)
	c = (c + odd(a, t)) * factor
	b ^= x[2]
	c -= even(b, t)
	a = (a + odd(b, t)) * factor
	c ^= x[3]
	a -= even(c, t)
	b = (b + odd(c, t)) * factor
	a ^= x[4]
	b -= even(a, t)
	c = (c + odd(a, t)) * factor
	b ^= x[5]
	c -= even(b, t)
	a = (a + odd(b, t)) * factor
	c ^= x[6]
	a -= even(c, t)
	b = (b + odd(c, t)) * factor
	a ^= x[7]
	b -= even(a, t)
	c = (c + odd(a, t)) * factor
	return a, b, c
}

// even looks up the bytes 0, 2, 4, 6 of a word, odd the others in the tables' reverse order.
func even(w uint64, t *sboxes) uint64 {
	return t[0][uint8(w)] ^ t[1][uint8(w>>16)] ^ t[2][uint8(w>>32)] ^ t[3][uint8(w>>48)]
}

func odd(w uint64, t *sboxes) uint64 {
	return t[3][uint8(w>>8)] ^ t[2][uint8(w>>24)] ^ t[1][uint8(w>>40)] ^ t[0][uint8(w>>56)]
}

// schedule mixes the words of the block before its next pass.
//
//go:norace
func schedule(x *[8]uint64) {
	x[0] -= x[7] ^ 0xA5A5A5A5A5A5A5A5
	x[1] ^= x[0]
	x[2] += x[1]
	x[3] -= x[2] ^ ^x[1]<<19
	x[4] ^= x[3]
	x[5] += x[4]
	x[6] -= x[5] ^ ^x[4]>>23
	x[7] ^= x[6]
	x[0] += x[7]
	x[1] -= x[0] ^ ^x[7]<<19
	x[2] ^= x[1]
	x[3] += x[2]
	x[4] -= x[3] ^ ^x[2]>>23
	x[5] ^= x[4]
	x[6] += x[5]
	x[7] -= x[6] ^ 0x0123456789ABCDEF
}
