package ggep

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnucensus/servent/internal/vector"
)

var compareAddrs = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })

func hosts(addrs ...string) []Host {
	var out []Host
	for _, a := range addrs {
		out = append(out, Host{Addr: netip.MustParseAddrPort(a)})
	}
	return out
}

// through returns the blocks as a reader gets them.
func through(t *testing.T, blocks ...Block) Blocks {
	t.Helper()
	b, err := AppendNULFree(nil, blocks...)
	if err != nil {
		t.Fatal(err)
	}
	return ParseAll(b)
}

// TestPairs checks that each reader returns what its writer was given, and the bytes where the specification has them.
func TestPairs(t *testing.T) {
	t.Parallel()
	ok := func(name string, got, want any, found bool) {
		t.Helper()
		if diff := cmp.Diff(want, got, compareAddrs, cmpopts.EquateEmpty()); diff != "" || !found {
			t.Errorf("%s: found %v: %s", name, found, diff)
		}
	}
	scp, found := through(t, SCP(SCPUltrapeer|SCPIPv6)).SCP()
	ok("SCP", scp, uint8(5), found)
	vc, found := through(t, VC(Vendor{Code: [4]byte{'G', 'T', 'K', 'G'}, Version: 0x83})).VC()
	ok("VC", vc, Vendor{Code: [4]byte{'G', 'T', 'K', 'G'}, Version: 0x83}, found)
	up, found := through(t, UP(Slots{2, 20, 5})).UP()
	ok("UP", up, Slots{Version: 2, Leaf: 20, Ultrapeer: 5}, found)
	du, found := through(t, DU(3600*time.Second)).DU()
	ok("DU", du, time.Hour, found)
	du, found = through(t, DU(0)).DU()
	ok("DU 0", du, time.Duration(0), found)
	gue, found := through(t, GUE(2)).GUE()
	ok("GUE", gue, uint8(2), found)
	ip, found := through(t, IP(netip.MustParseAddrPort("192.0.2.1:6346"))).IP()
	ok("IP", ip, netip.MustParseAddrPort("192.0.2.1:6346"), found)
	ip, found = through(t, IP(netip.MustParseAddrPort("[2001:db8::1]:6346"))).IP()
	ok("IP v6", ip, netip.MustParseAddrPort("[2001:db8::1]:6346"), found)
	ip, found = through(t, IP(netip.AddrPort{})).IP()
	ok("IP asked", ip, netip.AddrPort{}, found)
	six, found := through(t, IPv6(netip.MustParseAddr("2001:db8::1"))).IPv6()
	ok("6", six.String(), "2001:db8::1", found)
	six, found = through(t, IPv6(netip.Addr{})).IPv6()
	ok("6, unknown", six.IsValid(), false, found)
	qk, found := through(t, QK([]byte{0xde, 0, 0xef})).QK()
	ok("QK", qk, []byte{0xde, 0, 0xef}, found)
	so, found := through(t, SO([]byte{1, 2, 3, 4})).SO()
	ok("SO", so, []byte{1, 2, 3, 4}, found)
	loc, found := through(t, LOC(Locale{Language: "en", Slots: 1})).LOC()
	ok("LOC", loc, Locale{Language: "en", Slots: 1}, found)
	loc, found = through(t, LOC(Locale{Language: "en_GB"})).LOC()
	ok("LOC of gtk-gnutella", loc, Locale{Language: "en_GB"}, found)
	dht, found := through(t, DHT(DHTNode{1, 0, DHTPassiveLeaf})).DHT()
	ok("DHT", dht, DHTNode{Major: 1, Mode: DHTPassiveLeaf}, found)
	name, found := through(t, HNAME("host.example")).HNAME()
	ok("HNAME", name, "host.example", found)
	ok("BH", through(t, BH()).BH(), true, true)
	ok("TLS", through(t, TLS()).TLS(), true, true)
	cache, found := through(t, UDPHC("cache.example")).UDPHC()
	ok("UDPHC", cache, "cache.example", found)
	ok("PHC", through(t, PHC("192.0.2.1", "cache.example:9999", "2001:db8::1")).PHC(),
		[]string{"192.0.2.1:6346", "cache.example:9999", "[2001:db8::1]:6346"}, true)
	h, found := through(t, H(Hash{Kind: SHA1, Sum: make([]byte, 20)})).H()
	ok("H", h, Hash{Kind: SHA1, Sum: make([]byte, 20)}, found)
	urn, found := through(t, URN("sha1:ABC")).URN()
	ok("u", urn, "sha1:ABC", found)
	root, found := through(t, TT([24]byte{1, 2})).TT()
	ok("TT", root, [24]byte{1, 2}, found)
	lf, found := through(t, LF(3_000_000_000)).LF()
	ok("LF", lf, uint64(3_000_000_000), found)
	ok("LF bytes", hex.EncodeToString(LF(3_000_000_000).Data), "005ed0b2", true)
	ct, found := through(t, CT(time.Unix(1_600_000_000, 0))).CT()
	ok("CT", ct, time.Unix(1_600_000_000, 0).UTC(), found)
	m, found := through(t, M(0x104)).M()
	ok("M", m, uint64(0x104), found)
	ok("M bytes", hex.EncodeToString(M(0x104).Data), "0401", true)
	folder, found := through(t, PATH("music/old")).PATH()
	ok("PATH", folder, "music/old", found)
	fw, found := through(t, FW(1)).FW()
	ok("FW", fw, uint8(1), found)
}

// TestQueryPairs does the same for the keys of queries.
func TestQueryPairs(t *testing.T) {
	t.Parallel()
	x := through(t, NP(), Z(), PR(), NM(), WH(WhatsNew), XQ("words that have no room"), I6(false))
	feature, wh := x.WH()
	words, xq := x.XQ()
	alone, six := x.I6()
	if !x.NP() || !x.Z() || !x.PR() || !x.NM() || !wh || feature != WhatsNew || !xq || words != "words that have no room" ||
		!six || alone || x.MCAST() || x.CHAT() {
		t.Errorf("%v", x)
	}
	if alone, six := through(t, I6(true)).I6(); !six || !alone {
		t.Error("I6 alone is not read")
	}
	x = Blocks{{ID: "MCAST"}, {ID: "CHAT"}}
	if x.NP() || x.Z() || x.PR() || x.NM() || !x.MCAST() || !x.CHAT() {
		t.Errorf("%v", x)
	}
}

// TestPartial reads what there is of a file in parts.
func TestPartial(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		blocks Blocks
		want   Partial
		found  bool
	}{
		{nil, Partial{}, false},
		{Blocks{{ID: "PR0"}}, Partial{}, true},
		{Blocks{{ID: "PR1", Data: []byte{2, 7}}, {ID: "PR2", Data: []byte{1, 2, 3}}, {ID: "PR4", Data: []byte{1, 2, 3, 4}}},
			Partial{Verified: []uint32{2, 7, 0x102, 0x1020304}}, true},
		{Blocks{{ID: "PRU"}}, Partial{}, true},
		{Blocks{{ID: "PRU", Data: []byte{0x5f, 0x5e, 0x10, 0, 0, 2}}},
			Partial{Changed: time.Unix(1_600_000_000, 0).UTC(), Available: 512}, true},
	} {
		got, found := c.blocks.Partial()
		if diff := cmp.Diff(c.want, got); diff != "" || found != c.found {
			t.Errorf("%v: found %v: %s", c.blocks, found, diff)
		}
	}
}

// TestGuesser reads the introduction of an ultrapeer that knows GUESS, the example of the specification.
func TestGuesser(t *testing.T) {
	t.Parallel()
	b, err := hex.DecodeString("c3834755454302ca18")
	if err != nil {
		t.Fatal(err)
	}
	if version, port, found := ParseAll(b).Guesser(); !found || version != 2 || port != 6346 {
		t.Errorf("version %d at port %d, found %v", version, port, found)
	}
	if _, _, found := (Blocks{GUE(2)}).Guesser(); found {
		t.Error("a PONG's GUE is no introduction")
	}
}

// TestAbsent checks that no reader finds what is not there, or is too short.
func TestAbsent(t *testing.T) {
	t.Parallel()
	var short Blocks
	for _, id := range []string{"VC", "UP", "LOC", "DHT", "H", "TT", "WH", "FW"} {
		short = append(short, Block{ID: id})
	}
	for _, x := range []Blocks{nil, short} {
		_, vc := x.VC()
		_, up := x.UP()
		_, loc := x.LOC()
		_, dht := x.DHT()
		_, h := x.H()
		_, tt := x.TT()
		_, wh := x.WH()
		_, fw := x.FW()
		if vc || up || loc || dht || h || tt || wh || fw {
			t.Errorf("%v: found %v %v %v %v %v %v %v %v", x, vc, up, loc, dht, h, tt, wh, fw)
		}
	}
	long := make([]byte, 9)
	_, lf := Blocks{{ID: "LF", Data: long}}.LF()
	_, du := Blocks{{ID: "DU", Data: []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}}.DU()
	_, ct := Blocks{{ID: "CT", Data: []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}}.CT()
	if lf || du || ct {
		t.Errorf("numbers too large: found %v %v %v", lf, du, ct)
	}
	if _, ok := (Blocks{}).SCP(); ok {
		t.Error("found SCP")
	}
	if addr, ok := (Blocks{{ID: "IP", Data: long}}).IP(); !ok || addr.IsValid() {
		t.Errorf("IP of 9 bytes: %s, %v", addr, ok)
	}
}

// TestEmptyForms checks the keys whose absence of data means something.
func TestEmptyForms(t *testing.T) {
	t.Parallel()
	if v, ok := (Blocks{{ID: "GUE"}}).GUE(); !ok || v != 0x01 {
		t.Errorf("GUE of LimeWire: %#x, %v", v, ok)
	}
	if v, ok := (Blocks{{ID: "SCP"}}).SCP(); !ok || v != 0 {
		t.Errorf("empty SCP: %#x, %v", v, ok)
	}
	if contacts, ok := through(t, DHTIPP()...).DHTIPP(); !ok || len(contacts) > 0 {
		t.Errorf("DHTIPP that asks: %v, %v", contacts, ok)
	}
	if du, ok := (Blocks{{ID: "DU", Data: []byte{0}}}).DU(); !ok || du != 0 {
		t.Errorf("DU of LimeWire at its start: %s, %v", du, ok)
	}
	if !(Blocks{{ID: "GTKG.TLS"}}).TLS() {
		t.Error("TLS of old gtk-gnutella not found")
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	list := hosts("192.0.2.1:6346", "[2001:db8::1]:1", "192.0.2.2:6347", "192.0.2.3:6348", "192.0.2.4:41000")
	list[0].TLS, list[4].TLS = true, true
	blocks := IPP(list...)
	var ids []string
	for _, b := range blocks {
		ids = append(ids, b.ID)
	}
	if want := []string{"IPP", "IPP_TLS", "IPP6"}; !slices.Equal(ids, want) {
		t.Errorf("got blocks %v, want %v", ids, want)
	}
	if got := hex.EncodeToString(blocks[1].Data); got != "90" { // entries 0 and 3 of their family
		t.Errorf("bitmap %s, want 90", got)
	}
	want := []Host{list[0], list[2], list[3], list[4], list[1]}
	if diff := cmp.Diff(want, through(t, blocks...).IPP(), compareAddrs); diff != "" {
		t.Error(diff)
	}
	if got := through(t, ALT(list...)...).ALT(); len(got) != len(list) {
		t.Errorf("ALT: %v", got)
	}
	if got := through(t, PUSH(list...)...).PUSH(); len(got) != len(list) {
		t.Errorf("PUSH: %v", got)
	}
	contacts, ok := through(t, DHTIPP(list[0].Addr, list[1].Addr)...).DHTIPP()
	if !ok || !slices.Equal(contacts, []netip.AddrPort{list[0].Addr, list[1].Addr}) {
		t.Errorf("DHTIPP: %v", contacts)
	}
	if got := (Blocks{{ID: "IPP", Data: make([]byte, 13)}}).IPP(); len(got) != 2 {
		t.Errorf("IPP of 13 bytes: %v", got)
	}
	if got := IPP(); got != nil {
		t.Errorf("no hosts: %v", got)
	}
}

// TestMapped checks that an IPv4 address in IPv6 clothes is packed as what it is.
func TestMapped(t *testing.T) {
	t.Parallel()
	blocks := IPP(hosts("[::ffff:192.0.2.1]:6346")...)
	if len(blocks) != 1 || blocks[0].ID != "IPP" || len(blocks[0].Data) != packed4 {
		t.Errorf("got %v", blocks)
	}
}

func TestSHA1(t *testing.T) {
	t.Parallel()
	bitprint := Hash{Kind: Bitprint, Sum: append([]byte{7}, make([]byte, 43)...)}
	if sum, ok := bitprint.SHA1(); !ok || sum[0] != 7 {
		t.Errorf("bitprint: %x, %v", sum, ok)
	}
	if _, ok := (Hash{Kind: MD5, Sum: make([]byte, 20)}).SHA1(); ok {
		t.Error("MD5 taken for SHA1")
	}
	if _, ok := (Hash{Kind: SHA1, Sum: make([]byte, 19)}).SHA1(); ok {
		t.Error("short SHA1 taken")
	}
}

// TestCaches reads the list of a cache as a servent would write it.
func TestCaches(t *testing.T) {
	t.Parallel()
	list := Blocks{{ID: "PHC", Data: []byte("uhc.example&a=1&b\r\n\n192.0.2.7:99\n")}}
	if got, want := list.PHC(), []string{"uhc.example:6346", "192.0.2.7:99"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestReadVectors reads the keys of blocks that other servents wrote.
func TestReadVectors(t *testing.T) {
	t.Parallel()
	read := make(map[string]Blocks)
	for _, v := range vector.Read(t, examples) {
		read[v.Name] = ParseAll(v.Bytes)
	}
	x := read["gtk-gnutella 1.2.3, PONG with everything asked"]
	if vc, _ := x.VC(); string(vc.Code[:]) != "GTKG" || vc.Version != 0x83 {
		t.Errorf("VC: %v", vc)
	}
	if up, _ := x.UP(); up != (Slots{2, 255, 49}) {
		t.Errorf("UP: %v", up)
	}
	if du, _ := x.DU(); du != 28*time.Second {
		t.Errorf("DU: %v", du)
	}
	if ip, _ := x.IP(); ip != netip.MustParseAddrPort("127.0.3.9:50270") {
		t.Errorf("IP: %v", ip)
	}
	x = read["LimeWire 5.5.16, PONG with SCP"]
	if diff := cmp.Diff(hosts("127.0.3.2:6347"), x.IPP(), compareAddrs); diff != "" {
		t.Errorf("IPP: %s", diff)
	}
	if loc, _ := x.LOC(); loc != (Locale{"en", 1}) {
		t.Errorf("LOC: %v", loc)
	}
	x = read["hosts of a cache: IPP, IPP_TLS, UDPHC"]
	if got := x.IPP(); len(got) != 2 || got[0].TLS || !got[1].TLS || got[1].Addr.Port() != 41000 {
		t.Errorf("IPP: %v", got)
	}
	x = read["gtk-gnutella 1.2.3, result of a hit"]
	if ct, _ := x.CT(); !ct.Equal(time.Unix(0x6b00c235, 0)) {
		t.Errorf("CT: %v", ct)
	}
}
