package ggep

import (
	"encoding/binary"
	"net/netip"
)

// Sizes of packed addresses: address in network order, port little-endian.
const (
	packed4 = 4 + 2
	packed6 = 16 + 2
)

// A Host is an address that one servent tells of another.
type Host struct {
	Addr netip.AddrPort
	TLS  bool // it accepts TLS connections
}

// SCP is the request for cached hosts in a PING or a GUESS query ("send cached addresses"); in flags, the SCP constants are
// or-ed.
func SCP(flags uint8) Block { return Block{ID: "SCP", Data: []byte{flags}} }

// Wishes in an SCP.
const (
	SCPUltrapeer = 0x01 // hosts with free ultrapeer slots, else leaf slots
	SCPTLS       = 0x02 // the asker speaks TLS
	SCPIPv6      = 0x04 // IPv6 hosts too
	SCPNoIPv4    = 0x08 // no IPv4 hosts
)

// SCP returns the wishes of a request for cached hosts. An empty one has none of them.
func (x Blocks) SCP() (flags uint8, ok bool) {
	b, ok := x.Get("SCP")
	if ok && len(b.Data) > 0 {
		flags = b.Data[0]
	}
	return flags, ok
}

// IPP makes the blocks that list hosts of a cache in a PONG: IPP and IPP6 for the two families, as needed, with IPP_TLS and
// IPP6_TLS when one of them accepts TLS.
func IPP(hosts ...Host) []Block { return hostBlocks("IPP", hosts) }

// IPP returns the hosts of IPP, then those of IPP6. An entry that is cut off is left out. Only the first block of each key
// counts: gtk-gnutella puts DHT contacts in a second IPP when both are asked of it.
func (x Blocks) IPP() []Host { return x.hosts("IPP") }

// DHTIPP makes the blocks that list contacts of the Mojito DHT in a PONG; without contacts, the one that asks for them in a
// PING.
func DHTIPP(contacts ...netip.AddrPort) []Block {
	if len(contacts) == 0 {
		return []Block{{ID: "DHTIPP"}}
	}
	hosts := make([]Host, len(contacts))
	for i, c := range contacts {
		hosts[i].Addr = c
	}
	return hostBlocks("DHTIPP", hosts)
}

// DHTIPP returns the contacts of DHTIPP, then those of DHTIPP6; ok tells whether one of the keys is there, as in a PING that
// asks for contacts.
func (x Blocks) DHTIPP() (contacts []netip.AddrPort, ok bool) {
	for _, h := range x.hosts("DHTIPP") {
		contacts = append(contacts, h.Addr)
	}
	return contacts, x.Has("DHTIPP") || x.Has("DHTIPP6")
}

// ALT makes the blocks that list alternate sources of a file in a record of a QUERY HIT.
func ALT(sources ...Host) []Block { return hostBlocks("ALT", sources) }

// ALT returns the alternate sources of a file.
func (x Blocks) ALT() []Host { return x.hosts("ALT") }

// PUSH makes the blocks that list the push proxies of a firewalled host in the trailer of a QUERY HIT.
func PUSH(proxies ...Host) []Block { return hostBlocks("PUSH", proxies) }

// PUSH returns the push proxies of a firewalled host.
func (x Blocks) PUSH() []Host { return x.hosts("PUSH") }

// IP makes the answer, in a PONG, to a host that asked for its own address; with the zero address, that question in a PING.
func IP(addr netip.AddrPort) Block {
	if !addr.IsValid() {
		return Block{ID: "IP"}
	}
	return Block{ID: "IP", Data: appendPacked(nil, addr)}
}

// IP returns the address that the sender of a PONG sees us at; ok tells whether the key is there, as in a PING that asks.
func (x Blocks) IP() (addr netip.AddrPort, ok bool) {
	b, ok := x.Get("IP")
	switch len(b.Data) {
	case packed4, packed6:
		addr = parsePacked(b.Data)
	}
	return addr, ok
}

// IPv6 makes the block with key "6": the sender's IPv6 address beside the IPv4 field of its message. The zero address says
// that it has one and does not know it.
func IPv6(addr netip.Addr) Block {
	if !addr.IsValid() {
		return Block{ID: "6"}
	}
	b := addr.As16()
	return Block{ID: "6", Data: b[:]}
}

// IPv6 returns the sender's own IPv6 address.
func (x Blocks) IPv6() (addr netip.Addr, ok bool) {
	b, ok := x.Get("6")
	if ok && len(b.Data) >= 16 {
		return netip.AddrFrom16([16]byte(b.Data[:16])), true
	}
	return netip.Addr{}, ok
}

// hostBlocks packs hosts under key and key6, with their bitmaps.
func hostBlocks(key string, hosts []Host) []Block {
	var lists, bitmaps [2][]byte
	var n [2]int
	for _, h := range hosts {
		family := 0
		if h.Addr.Addr().Unmap().Is6() {
			family = 1
		}
		lists[family] = appendPacked(lists[family], h.Addr)
		if h.TLS {
			bitmaps[family] = setBit(bitmaps[family], n[family])
		}
		n[family]++
	}
	var blocks []Block
	for family, id := range []string{key, key + "6"} {
		if n[family] > 0 {
			blocks = append(blocks, Block{ID: id, Data: lists[family]})
		}
		if len(bitmaps[family]) > 0 {
			blocks = append(blocks, Block{ID: id + "_TLS", Data: bitmaps[family]})
		}
	}
	return blocks
}

// hosts unpacks what hostBlocks packs.
func (x Blocks) hosts(key string) []Host {
	var hosts []Host
	for _, family := range []struct {
		id   string
		size int
	}{{key, packed4}, {key + "6", packed6}} {
		list, _ := x.Get(family.id)
		bitmap, _ := x.Get(family.id + "_TLS")
		for i := 0; (i+1)*family.size <= len(list.Data); i++ {
			addr := parsePacked(list.Data[i*family.size : (i+1)*family.size])
			hosts = append(hosts, Host{Addr: addr, TLS: bit(bitmap.Data, i)})
		}
	}
	return hosts
}

// appendPacked writes the 6 or 18 bytes of an address.
func appendPacked(b []byte, addr netip.AddrPort) []byte {
	b = append(b, addr.Addr().Unmap().AsSlice()...)
	return binary.LittleEndian.AppendUint16(b, addr.Port())
}

// parsePacked reads an address of 6 or 18 bytes.
func parsePacked(b []byte) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(b[:len(b)-2])
	return netip.AddrPortFrom(addr, binary.LittleEndian.Uint16(b[len(b)-2:]))
}

// setBit sets bit i of a bitmap whose first bit is the highest of the first byte; the bitmap grows as needed.
func setBit(bitmap []byte, i int) []byte {
	for len(bitmap) <= i/8 {
		bitmap = append(bitmap, 0)
	}
	bitmap[i/8] |= 0x80 >> (i % 8)
	return bitmap
}

// bit tells whether bit i of a bitmap is set; bits that are not there are not.
func bit(bitmap []byte, i int) bool {
	return i/8 < len(bitmap) && bitmap[i/8]&(0x80>>(i%8)) != 0
}
