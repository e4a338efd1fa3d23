package lab

import (
	"math/rand/v2"

	"gnucensus/servent"
	"gnucensus/servent/ggep"
)

// A software is a servent program in one version: how it names itself, and how it answers.
type software struct {
	agent   string
	dialect servent.Dialect
	vendor  ggep.Vendor
	parts   int // how many hosts run it, relative to the others of its list
}

func vendor(code string, version uint8) ggep.Vendor {
	return ggep.Vendor{Code: [4]byte([]byte(code)), Version: version}
}

// Programs by what they know of crawlers.
var (
	crawlable = []software{
		{"gtk-gnutella/1.2.3 (2024-03-03; GTK2; Linux x86_64)", servent.GTKG, vendor("GTKG", 0x83), 18},
		{"gtk-gnutella/1.2.2 (2022-02-25; GTK2; Linux x86_64)", servent.GTKG, vendor("GTKG", 0x62), 8},
		{"gtk-gnutella/1.2.2 (2022-02-25; GTK1; Windows)", servent.GTKG, vendor("GTKG", 0x62), 4},
		{"gtk-gnutella/1.1.15 (2019-07-07; GTK2; Darwin x86_64)", servent.GTKG, vendor("GTKG", 0x37), 3},
		{"WireShare/6.0.2", servent.LimeWire, vendor("LIME", 0x60), 24},
		{"WireShare/5.6.6", servent.LimeWire, vendor("LIME", 0x56), 9},
		{"LimeWire/5.5.16", servent.LimeWire, vendor("LIME", 0x55), 10},
		{"LimeWire/5.6.2", servent.LimeWire, vendor("LIME", 0x56), 6},
		{"LimeWire/4.18.8", servent.LimeWire, vendor("LIME", 0x4f), 6},
		{"FrostWire/4.21.8", servent.LimeWire, vendor("FRST", 0x4f), 7},
		{"Phex 3.4.2.116", servent.LimeWire, vendor("PHEX", 0x34), 5},
	}
	classic = []software{
		{"BearShare 5.2.5.9", servent.Classic, vendor("BEAR", 0x52), 3},
		{"Shareaza 2.7.10.2", servent.Classic, vendor("RAZA", 0x27), 5},
		{"Morpheus 5.5.1", servent.Classic, vendor("MRPH", 0x55), 1},
	}
	plain = []software{
		{"Mutella-0.4.5", servent.Plain, vendor("MUTE", 0x04), 2},
		{"Qtella 0.7.0", servent.Plain, vendor("QTEL", 0x07), 1},
	}
)

// install chooses the program of a host.
func install(b Behaviour, r *rand.Rand) software {
	list := crawlable
	switch b {
	case Full:
		list = classic
	case Unaware:
		list = plain
	}
	all := 0
	for _, s := range list {
		all += s.parts
	}
	at, i := r.IntN(all), 0
	for ; at >= list[i].parts; i++ {
		at -= list[i].parts
	}
	return list[i]
}
