package ggep

import (
	"encoding/binary"
	"math"
	"time"
)

// A Vendor says what software a servent is, in four letters and a version byte whose meaning is the vendor's own:
// the specification wants major<<4 | minor, gtk-gnutella sends the year and month of its build.
type Vendor struct {
	Code    [4]byte
	Version uint8
}

// VC makes the block that names the software in a PONG.
func VC(v Vendor) Block { return Block{ID: "VC", Data: append(v.Code[:], v.Version)} }

// VC returns the software that a PONG names.
func (x Blocks) VC() (v Vendor, ok bool) {
	b, ok := x.Get("VC")
	if !ok || len(b.Data) < 5 {
		return Vendor{}, false
	}
	return Vendor{Code: [4]byte(b.Data[:4]), Version: b.Data[4]}, true
}

// Slots are the free slots of an ultrapeer.
type Slots struct {
	Version   uint8 // of the ultrapeer protocol; gtk-gnutella says 2, LimeWire 0
	Leaf      uint8 // for leaves
	Ultrapeer uint8 // for other ultrapeers
}

// UP makes the block that only ultrapeers put in their PONG.
func UP(s Slots) Block { return Block{ID: "UP", Data: []byte{s.Version, s.Leaf, s.Ultrapeer}} }

// UP returns the free slots of an ultrapeer. That it is there says that the subject of the PONG is one.
func (x Blocks) UP() (s Slots, ok bool) {
	b, ok := x.Get("UP")
	if !ok || len(b.Data) < 3 {
		return Slots{}, false
	}
	return Slots{Version: b.Data[0], Leaf: b.Data[1], Ultrapeer: b.Data[2]}, true
}

// DU makes the block that tells the average daily uptime, to the second.
func DU(d time.Duration) Block {
	return Block{ID: "DU", Data: appendVlint(nil, uint64(max(d, 0)/time.Second))}
}

// DU returns the average daily uptime.
func (x Blocks) DU() (time.Duration, bool) {
	s, ok := x.vlint("DU")
	if !ok || s > math.MaxInt64/uint64(time.Second) {
		return 0, false
	}
	return time.Duration(s) * time.Second, true
}

// GUE makes the block by which an ultrapeer's PONG says that it answers GUESS queries; version is major<<4 | minor.
func GUE(version uint8) Block { return Block{ID: "GUE", Data: []byte{version}} }

// GUE returns the version of GUESS, major<<4 | minor. LimeWire leaves it out and means 0.1.
func (x Blocks) GUE() (version uint8, ok bool) {
	b, ok := x.Get("GUE")
	if ok && len(b.Data) == 0 {
		return 0x01, true
	}
	if ok {
		version = b.Data[0]
	}
	return version, ok
}

// Guesser returns what a new ultrapeer says of itself in a PING by UDP: its version of GUESS and the port where it listens.
// Without them, the key asks for hosts that answer GUESS queries. Only gtk-gnutella writes it.
func (x Blocks) Guesser() (version uint8, port uint16, ok bool) {
	b, ok := x.Get("GUE")
	if !ok || len(b.Data) < 3 {
		return 0, 0, false
	}
	return b.Data[0], binary.LittleEndian.Uint16(b.Data[1:]), true
}

// TLS makes the block that says that the sender accepts TLS connections.
func TLS() Block { return Block{ID: "TLS"} }

// TLS tells whether the sender accepts TLS connections.
func (x Blocks) TLS() bool { return x.Has("TLS") || x.Has("GTKG.TLS") }

// QK makes the block that carries a query key: in a PONG one that the sender issues, in a QUERY the one that the receiver
// issued, and empty, in a PING, the request for one.
func QK(key []byte) Block { return Block{ID: "QK", Data: key} }

// QK returns the query key.
func (x Blocks) QK() (key []byte, ok bool) {
	b, ok := x.Get("QK")
	return b.Data, ok
}

// SO makes the block that carries the token of secure out-of-band hits; empty, in a QUERY, the wish for them.
func SO(token []byte) Block { return Block{ID: "SO", Data: token} }

// SO returns the token of secure out-of-band hits.
func (x Blocks) SO() (token []byte, ok bool) {
	b, ok := x.Get("SO")
	return b.Data, ok
}

// A Locale is the language that a servent prefers.
type Locale struct {
	Language string // such as en, or en_GB
	Slots    uint8  // free slots for that language; only LimeWire tells
}

// LOC makes the block that tells the language; it leaves out slots when there are none.
func LOC(l Locale) Block {
	data := []byte(l.Language)
	if l.Slots > 0 {
		data = append(data, l.Slots)
	}
	return Block{ID: "LOC", Data: data}
}

// LOC returns the language. Three bytes are LimeWire's two letters and a number of slots.
func (x Blocks) LOC() (l Locale, ok bool) {
	b, ok := x.Get("LOC")
	switch {
	case !ok || len(b.Data) < 2:
		return Locale{}, false
	case len(b.Data) == 3:
		return Locale{Language: string(b.Data[:2]), Slots: b.Data[2]}, true
	}
	return Locale{Language: string(b.Data)}, true
}

// A DHTMode is the part that a servent plays in the Mojito DHT.
type DHTMode uint8

// Modes of the Mojito DHT.
const (
	DHTInactive DHTMode = iota
	DHTActive
	DHTPassive
	DHTPassiveLeaf
)

// A DHTNode is what a servent says of its part in the Mojito DHT.
type DHTNode struct {
	Major, Minor uint8
	Mode         DHTMode
}

// DHT makes the block that tells the part in the Mojito DHT.
func DHT(n DHTNode) Block { return Block{ID: "DHT", Data: []byte{n.Major, n.Minor, byte(n.Mode)}} }

// DHT returns the part in the Mojito DHT.
func (x Blocks) DHT() (n DHTNode, ok bool) {
	b, ok := x.Get("DHT")
	if !ok || len(b.Data) < 3 {
		return DHTNode{}, false
	}
	return DHTNode{Major: b.Data[0], Minor: b.Data[1], Mode: DHTMode(b.Data[2])}, true
}

// HNAME makes the block that tells the DNS name of a host.
func HNAME(name string) Block { return Block{ID: "HNAME", Data: []byte(name)} }

// HNAME returns the DNS name of a host.
func (x Blocks) HNAME() (string, bool) {
	b, ok := x.Get("HNAME")
	return string(b.Data), ok
}

// BH makes the block that says that the host may be browsed.
func BH() Block { return Block{ID: "BH"} }

// BH tells whether the host may be browsed.
func (x Blocks) BH() bool { return x.Has("BH") }

// FW makes the block of a firewalled host that can transfer files to other ones, by a version of the transfer over UDP.
func FW(version uint8) Block { return Block{ID: "FW", Data: []byte{version}} }

// FW returns the version of the transfer over UDP between two firewalled hosts.
func (x Blocks) FW() (version uint8, ok bool) {
	b, ok := x.Get("FW")
	if !ok || len(b.Data) == 0 {
		return 0, false
	}
	return b.Data[0], true
}

// CHAT tells whether the user can be talked to. Only old servents write the key.
func (x Blocks) CHAT() bool { return x.Has("CHAT") }
