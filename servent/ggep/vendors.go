package ggep

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"
)

// A GTKGVersion is the version of a gtk-gnutella.
type GTKGVersion struct {
	Major, Minor, Patch uint8
	Revision            uint8     // a letter, or 0
	Release             time.Time // date of the release
	Build               uint32
	Commit              string // hexadecimal digits of the git commit; empty when not told
	Dirty               bool   // built from sources that are not in git
	OS                  GTKGOS
}

// A GTKGOS is an operating system as gtk-gnutella numbers it: 0 unknown, 1 Unix, 2 BSD, 3 Linux, 4 FreeBSD, 5 NetBSD,
// 6 Windows, 7 Darwin.
type GTKGOS uint8

// Flags of GTKGV from its version 1 on.
const (
	gtkgCommit    = 0x01
	gtkgDirty     = 0x02
	gtkgOS        = 0x04
	gtkgContinued = 0x80 // another byte of flags follows
)

// gtkgFixed is the size of GTKGV up to the flags.
const gtkgFixed = 13

// GTKGV returns the version that gtk-gnutella puts in the trailer of its hits; versions up to 0.97 use the key GTKGV1. Only
// gtk-gnutella writes these keys.
func (x Blocks) GTKGV() (v GTKGVersion, ok bool) {
	if b, ok := x.Get("GTKGV"); ok && len(b.Data) >= gtkgFixed {
		v = parseGTKG(b.Data[1:])
		if b.Data[0] > 0 {
			v.parseFlags(b.Data[gtkgFixed:])
		}
		return v, true
	}
	if b, ok := x.Get("GTKGV1"); ok && len(b.Data) >= gtkgFixed-1 {
		return parseGTKG(b.Data), true
	}
	return GTKGVersion{}, false
}

// parseGTKG reads the 12 bytes that both keys have.
func parseGTKG(b []byte) GTKGVersion {
	return GTKGVersion{
		Major: b[0], Minor: b[1], Patch: b[2], Revision: b[3],
		Release: time.Unix(int64(binary.BigEndian.Uint32(b[4:])), 0).UTC(),
		Build:   binary.BigEndian.Uint32(b[8:]),
	}
}

// parseFlags reads what version 1 appends; what is cut off stays unknown. Of a commit with an odd number of digits the last
// one is lost on the way: the sender writes it as 0.
func (v *GTKGVersion) parseFlags(b []byte) {
	if len(b) == 0 {
		return
	}
	flags := b[0]
	v.Dirty = flags&gtkgDirty != 0
	for len(b) > 0 && b[0]&gtkgContinued != 0 {
		b = b[1:]
	}
	if len(b) == 0 {
		return
	}
	b = b[1:]
	if flags&gtkgCommit != 0 {
		if len(b) == 0 || len(b)-1 < (int(b[0])+1)/2 {
			return
		}
		n := int(b[0])
		v.Commit = hex.EncodeToString(b[1 : 1+n/2])
		b = b[1+(n+1)/2:]
	}
	if flags&gtkgOS != 0 && len(b) > 0 {
		v.OS = GTKGOS(b[0])
	}
}

// A Relay is an ultrapeer that passed a hit on.
type Relay struct {
	From netip.AddrPort // other end of the link that the hit came from
	Addr netip.AddrPort // the ultrapeer's own address
	Hops uint8          // of the hit as it came
	TTL  uint8
}

// maxRelays is how many ultrapeers of a return path are read; no hit travels as far.
const maxRelays = 32

// ReturnPath returns the ultrapeers that passed a hit on, the first one first. Only LimeWire writes these keys, RPS, RPI,
// RPH and RPT with a number; an address that is malformed is the zero one.
func (x Blocks) ReturnPath() []Relay {
	var path []Relay
	for len(path) < maxRelays {
		n := strconv.Itoa(len(path))
		from, ok := x.Get("RPS" + n)
		if !ok {
			break
		}
		addr, _ := x.Get("RPI" + n)
		hops, _ := x.Get("RPH" + n)
		ttl, _ := x.Get("RPT" + n)
		path = append(path, Relay{
			From: relayAddr(from.Data), Addr: relayAddr(addr.Data), Hops: firstByte(hops.Data), TTL: firstByte(ttl.Data),
		})
	}
	return path
}

// relayAddr reads a packed address whose port is big-endian, here alone.
func relayAddr(b []byte) netip.AddrPort {
	if len(b) != packed4 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), binary.BigEndian.Uint16(b[4:]))
}

func firstByte(b []byte) uint8 {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}
