package link

import "sync"

// Sizes of the alphabets of deflate.
const (
	maxCodeLen   = 15
	litSymbols   = 288 // literals, end of block, lengths; 286 and 287 never occur
	distSymbols  = 30
	lenSymbols   = 19 // of the code that packs the lengths of the other two
	fastBits     = 9
	endOfBlock   = 256
	firstLength  = 257
	lastLitCode  = 285
	maxDynamicLn = 286 + distSymbols
)

// A huffman is a canonical Huffman code, ready to decode. Codes up to fastBits long are looked up by the next bits of the
// input, longer ones are counted through, length by length.
type huffman struct {
	fast    [1 << fastBits]uint16  // symbol<<4 | length of its code; 0 where the code is longer, or there is none
	count   [maxCodeLen + 1]uint16 // codes of each length
	symbols [litSymbols]uint16     // in the order of their codes
}

// build makes the code from the length of each symbol's code, 0 for symbols without one. It tells whether there is such a
// code: lengths must use up all codes, but for a lone code of one bit and for none at all.
func (h *huffman) build(lens []uint8) bool {
	h.count = [maxCodeLen + 1]uint16{}
	h.fast = [1 << fastBits]uint16{}
	for _, n := range lens {
		h.count[n]++
	}
	h.count[0] = 0
	left, used := 1, 0
	var next, first [maxCodeLen + 2]int // position of a length's next symbol, and its first code
	for n := 1; n <= maxCodeLen; n++ {
		left = left<<1 - int(h.count[n])
		if left < 0 {
			return false
		}
		used += int(h.count[n])
		next[n+1] = used
		first[n+1] = (first[n] + int(h.count[n])) << 1
	}
	if left > 0 && used > 0 && (used > 1 || h.count[1] == 0) {
		return false
	}
	begin := next
	for symbol, n := range lens {
		if n == 0 {
			continue
		}
		h.symbols[next[n]] = uint16(symbol)
		if n <= fastBits {
			h.fill(first[n]+next[n]-begin[n], uint(n), uint16(symbol))
		}
		next[n]++
	}
	return true
}

// fill enters a short code in the table, wherever the bits that follow it may lead. The input has a code's first bit
// lowest.
func (h *huffman) fill(code int, n uint, symbol uint16) {
	index := 0
	for i := range n {
		index |= code >> i & 1 << (n - 1 - i)
	}
	for ; index < len(h.fast); index += 1 << n {
		h.fast[index] = symbol<<4 | uint16(n)
	}
}

// decode reads the symbol at the beginning of bits, of which there are n. It returns its length too, which is more than n
// when bits are missing, and 0 when no code is like that.
func (h *huffman) decode(bits uint64, n uint) (symbol uint16, length uint) {
	if entry := h.fast[bits&(1<<fastBits-1)]; entry != 0 {
		return entry >> 4, uint(entry & 15)
	}
	var code, first, index int
	for length = 1; length <= maxCodeLen; length++ {
		if length > n {
			return 0, length
		}
		code |= int(bits & 1)
		bits >>= 1
		count := int(h.count[length])
		if code-first < count {
			return h.symbols[index+code-first], length
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return 0, 0
}

// fixedCodes returns the codes of blocks that do not bring their own.
var fixedCodes = sync.OnceValue(func() *[2]huffman {
	var lens [litSymbols]uint8
	for symbol := range lens {
		switch {
		case symbol < 144:
			lens[symbol] = 8
		case symbol < 256:
			lens[symbol] = 9
		case symbol < 280:
			lens[symbol] = 7
		default:
			lens[symbol] = 8
		}
	}
	var codes [2]huffman
	codes[0].build(lens[:])
	var dist [32]uint8 // 30 and 31 never occur
	for symbol := range dist {
		dist[symbol] = 5
	}
	codes[1].build(dist[:])
	return &codes
})

// Lengths and distances of matches: a base and a number of extra bits for each symbol (RFC 1951, 3.2.5).
var (
	lengthBase = [...]uint16{
		3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
	}
	lengthExtra = [...]uint8{
		0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
	}
	distBase = [...]uint16{
		1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
		8193, 12289, 16385, 24577,
	}
	distExtra = [...]uint8{
		0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
	}
)

// lenOrder is the order in which a block gives the lengths of the code that packs lengths.
var lenOrder = [lenSymbols]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
