// Package roll numbers the addresses that a census hears of, from 1 without gaps, in the order of hearing.
//
// A roll is held for every host that was heard of, so it is tight: an IPv4 address with its port takes 8 bytes, one of IPv6
// 26, and finding it another 5 to 11. It holds no pointers to hosts, so the garbage collector passes over it.
package roll

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"net/netip"
)

// A Roll is a set of numbered addresses. IPv4 that is mapped into IPv6 is the same address, and zones do not count. It is not
// safe for concurrent use.
type Roll struct {
	seed   [2]uint64  // so that nobody can choose addresses that collide
	slots  []uint32   // numbers by hash, with linear probing; 0: free
	blocks [][]uint64 // packed addresses by number; all but the last block are full
	wide   []wide     // IPv6 addresses, to which packed ones refer
	length int
}

// A wide is an IPv6 address and a port.
type wide struct {
	addr [16]byte
	port uint16
}

// A packed address is an IPv4 address above its port, or isWide and an index of Roll.wide.
const isWide = 1 << 63

const (
	blockLen   = 1 << 13
	firstSlots = 1 << 6
)

// New makes an empty Roll.
func New() *Roll {
	return &Roll{seed: [2]uint64{rand.Uint64(), rand.Uint64() | 1}, slots: make([]uint32, firstSlots)}
}

// Len returns how many addresses there are, which is the number of the last one.
func (r *Roll) Len() int { return r.length }

// Find returns the number of an address, 0 when it is not in the roll.
func (r *Roll) Find(a netip.AddrPort) uint32 {
	n, _ := r.find(keyOf(a))
	return n
}

// Add returns the number of an address and whether it is a new one.
func (r *Roll) Add(a netip.AddrPort) (n uint32, added bool) {
	k := keyOf(a)
	n, slot := r.find(k)
	if n != 0 {
		return n, false
	}
	packed := k.packed
	if packed == isWide {
		packed |= uint64(len(r.wide))
		r.wide = append(r.wide, k.wide)
	}
	if r.length%blockLen == 0 {
		r.blocks = append(r.blocks, make([]uint64, 0, blockLen))
	}
	last := len(r.blocks) - 1
	r.blocks[last] = append(r.blocks[last], packed)
	r.length++
	r.slots[slot] = uint32(r.length)
	if 4*r.length > 3*len(r.slots) {
		r.grow()
	}
	return uint32(r.length), true
}

// At returns the address with a number from 1 to Len.
func (r *Roll) At(n uint32) netip.AddrPort {
	k := r.key(n)
	if k.packed == isWide {
		return netip.AddrPortFrom(netip.AddrFrom16(k.wide.addr), k.wide.port)
	}
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], uint32(k.packed>>16))
	return netip.AddrPortFrom(netip.AddrFrom4(ip), uint16(k.packed))
}

// Truncate takes out all addresses after the first n. Each is taken out of the table before those that were there when it
// came, so none of these is hidden by the gap.
func (r *Roll) Truncate(n int) {
	for ; r.length > n; r.length-- {
		k := r.key(uint32(r.length))
		_, slot := r.find(k)
		r.slots[slot] = 0
		last := len(r.blocks) - 1
		r.blocks[last] = r.blocks[last][:len(r.blocks[last])-1]
		if len(r.blocks[last]) == 0 {
			r.blocks = r.blocks[:last]
		}
		if k.packed == isWide {
			r.wide = r.wide[:len(r.wide)-1]
		}
	}
}

// A key is an address to look for: packed, or isWide alone and the address beside it.
type key struct {
	packed uint64
	wide   wide
}

func keyOf(a netip.AddrPort) key {
	ip := a.Addr().Unmap()
	if ip.Is4() {
		b := ip.As4()
		return key{packed: uint64(binary.BigEndian.Uint32(b[:]))<<16 | uint64(a.Port())}
	}
	return key{packed: isWide, wide: wide{ip.As16(), a.Port()}}
}

func (r *Roll) key(n uint32) key {
	packed := r.blocks[(n-1)/blockLen][(n-1)%blockLen]
	if packed&isWide == 0 {
		return key{packed: packed}
	}
	return key{packed: isWide, wide: r.wide[packed&^isWide]}
}

// find returns the number of a key and its slot, or 0 and the slot that is free for it.
func (r *Roll) find(k key) (n uint32, slot uint64) {
	mask := uint64(len(r.slots) - 1)
	for slot = r.hash(k) & mask; ; slot = (slot + 1) & mask {
		n = r.slots[slot]
		if n == 0 || r.holds(n, k) {
			return n, slot
		}
	}
}

func (r *Roll) holds(n uint32, k key) bool {
	packed := r.blocks[(n-1)/blockLen][(n-1)%blockLen]
	if packed&isWide == 0 || k.packed != isWide {
		return packed == k.packed
	}
	return r.wide[packed&^isWide] == k.wide
}

func (r *Roll) hash(k key) uint64 {
	h := r.mix(k.packed)
	if k.packed == isWide {
		h = r.mix(h ^ binary.BigEndian.Uint64(k.wide.addr[:8]))
		h = r.mix(h ^ binary.BigEndian.Uint64(k.wide.addr[8:]))
		h = r.mix(h ^ uint64(k.wide.port))
	}
	return h
}

func (r *Roll) mix(x uint64) uint64 {
	hi, lo := bits.Mul64(x^r.seed[0], r.seed[1])
	return hi ^ lo
}

// grow doubles the table. Numbers go in by their order, as Truncate needs it.
func (r *Roll) grow() {
	r.slots = make([]uint32, 2*len(r.slots))
	for n := uint32(1); n <= uint32(r.length); n++ {
		_, slot := r.find(r.key(n))
		r.slots[slot] = n
	}
}
