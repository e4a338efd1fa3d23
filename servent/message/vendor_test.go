package message

import (
	"errors"
	"net/netip"
	"testing"

	"gnucensus/servent/ggep"
)

// open returns the typed message of a vector.
func open(t *testing.T, name string) VendorMessage {
	t.Helper()
	m, err := body[*Vendor](t, name).Open()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m
}

// TestOpen reads each typed message, and makes the same vendor message of it.
func TestOpen(t *testing.T) {
	t.Parallel()
	servent := GUID{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf}
	token, err := ggep.Append(nil, ggep.SO([]byte{0xde, 0xad, 0xbe, 0xef}))
	if err != nil {
		t.Fatal(err)
	}
	relay, err := ggep.Append(nil, ggep.Block{ID: "PUSH", Data: servent[:]})
	if err != nil {
		t.Fatal(err)
	}
	const urn = "urn:sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
	for name, want := range map[string]VendorMessage{
		"messages supported: BEAR/4v1, LIME/5v1, LIME/21v1": &MessagesSupported{
			Messages: []SupportedMessage{{BEAR, 4, 1}, {LIME, 5, 1}, {LIME, 21, 1}},
		},
		"features supported: TLS! 1, HSEP 2": &FeaturesSupported{
			Features: []Feature{{[4]byte{'T', 'L', 'S', '!'}, 1}, {[4]byte{'H', 'S', 'E', 'P'}, 2}},
		},
		"features supported, version 1, one value of 32 bits": &FeaturesSupported{
			Version:  1,
			Features: []Feature{{[4]byte{'T', 'C', 'P', 'I'}, 1}, {[4]byte{'I', 'M', 'P', 'P'}, 0xffff}},
			Wide:     []Feature{{[4]byte{'I', 'M', 'P', 'P'}, 0x7fffffff}},
		},
		"hops flow 3":                                   &HopsFlow{Hops: 3},
		"query status request":                          &QueryStatusRequest{},
		"query status 30":                               &QueryStatus{Results: 30},
		"TCP connect back":                              &TCPConnectBack{Port: 6346},
		"UDP connect back, version 1":                   &UDPConnectBack{Version: 1, Port: 6346, GUID: servent},
		"UDP connect back, version 2":                   &UDPConnectBack{Version: 2, Port: 6346},
		"push proxy request":                            &PushProxyRequest{},
		"push proxy acknowledgement":                    &PushProxyAck{Version: 2, Addr: addr("192.0.2.10:6346")},
		"push proxy acknowledgement, version 1":         &PushProxyAck{Version: 1, Addr: netip.AddrPortFrom(netip.Addr{}, 6346)},
		"push proxy cancel":                             &PushProxyCancel{},
		"out of band: 17 hits, version 1":               &OOBReplyNumber{Version: 1, Hits: 17},
		"out of band: 17 hits, version 2":               &OOBReplyNumber{Version: 2, Hits: 17, Flags: OOBUnsolicited},
		"out of band: 5 hits, reachable":                &OOBReplyNumber{Version: 3, Hits: 5, Flags: OOBUnsolicited},
		"out of band: send 17, version 2":               &OOBReplyAck{Version: 2, Wanted: 17},
		"out of band: send 5, with a token":             &OOBReplyAck{Version: 3, Wanted: 5, Tail: token},
		"connect back for somebody else, TCP":           &ConnectBackRedirect{Addr: addr("192.0.2.1:6346")},
		"connect back for somebody else, UDP":           &ConnectBackRedirect{UDP: true, Addr: addr("192.0.2.1:6346")},
		"out of band: no query of mine":                 &OOBProxyVeto{All: true},
		"out of band: no query of mine below version 3": &OOBProxyVeto{Version: 2},
		"HEAD ping for alternates":                      &HeadPing{Version: 1, Flags: HeadAlternates, URN: urn},
		"HEAD ping with GGEP, relayed to a leaf":        &HeadPing{Version: 2, Flags: HeadGGEP | HeadRanges, URN: urn, Tail: relay},
		"HEAD pong: not found":                          &HeadPong{Version: 1, Body: []byte{3, 0}},
	} {
		equal(t, name, open(t, name), want)
		equal(t, name+", made", want.Vendor(), body[*Vendor](t, name))
	}
	if _, err := body[*Vendor](t, "standard vendor message").Open(); !errors.Is(err, ErrOther) {
		t.Errorf("unknown message: %v", err)
	}
}

// TestVeto checks which versions a veto is about.
func TestVeto(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		veto   OOBProxyVeto
		vetoed [2]bool // in versions 2 and 3
	}{
		{OOBProxyVeto{All: true}, [2]bool{true, true}},
		{OOBProxyVeto{Version: 0}, [2]bool{false, false}},
		{OOBProxyVeto{Version: 2}, [2]bool{true, false}},
		{OOBProxyVeto{Version: 3}, [2]bool{true, true}},
	} {
		if got := [2]bool{c.veto.Vetoes(2), c.veto.Vetoes(3)}; got != c.vetoed {
			t.Errorf("%+v vetoes %v, want %v", c.veto, got, c.vetoed)
		}
	}
}

// TestNewerVersion checks that what a newer version appends is kept.
func TestNewerVersion(t *testing.T) {
	t.Parallel()
	v := &Vendor{Vendor: BEAR, Selector: 4, Version: 9, Body: []byte{3, 7, 8}}
	m, err := v.Open()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "message", m, VendorMessage(&HopsFlow{Hops: 3, Tail: []byte{7, 8}}))
}

func TestSupports(t *testing.T) {
	t.Parallel()
	m := open(t, "leaf session: VENDOR from gtk-gnutella").(*MessagesSupported)
	if len(m.Messages) != 27 {
		t.Errorf("%d messages", len(m.Messages))
	}
	if version, ok := m.Supports(LIME, 12); !ok || version != 3 {
		t.Errorf("LIME/12: version %d, %v", version, ok)
	}
	if _, ok := m.Supports(LIME, 99); ok {
		t.Error("LIME/99 supported")
	}
}

func TestFeatureValue(t *testing.T) {
	t.Parallel()
	m := open(t, "features supported, version 1, one value of 32 bits").(*FeaturesSupported)
	for name, want := range map[string]uint32{"TCPI": 1, "IMPP": 0x7fffffff} {
		if got, ok := m.Value(name); !ok || got != want {
			t.Errorf("%s: %#x, %v", name, got, ok)
		}
	}
	if _, ok := m.Value("NONE"); ok {
		t.Error("NONE found")
	}
}

func TestFalseFeatureCount(t *testing.T) {
	v := &Vendor{Selector: 10, Body: []byte{0xff, 0xff, 1, 2, 3}}
	var err error
	if n := allocated(func() { _, err = v.Open() }); n > 4<<10 || !errors.Is(err, ErrTruncated) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestHeadStatus(t *testing.T) {
	t.Parallel()
	one := []ggep.Host{{Addr: addr("192.0.2.1:6346")}}
	for name, want := range map[string]HeadStatus{
		"HEAD pong: not found": {},
		"HEAD pong: complete, 2 free slots, one alternate": {
			Code: HeadComplete, Vendor: LIME, Queue: -2, Alternates: one,
		},
		"HEAD pong of LimeWire: complete, ranges asked and left out": {
			Code: HeadComplete | HeadFirewalled, Vendor: LIME, Queue: -20,
		},
		"HEAD pong: partial and downloading, ranges, alternates": {
			Code: HeadPartial | HeadDownloading, Vendor: LIME, Queue: 3,
			Ranges: []Range{{0, 1023}, {2048, 1048575}}, Alternates: one,
		},
		"HEAD pong: partial, ranges beyond 4 GiB, alternates with TLS": {
			Code: HeadPartial, Vendor: LIME, Queue: 3, TLS: true,
			Ranges:     []Range{{0, 1023}, {1 << 32, 1<<32 + 1023}},
			Alternates: []ggep.Host{{Addr: addr("192.0.2.1:6346")}, {Addr: addr("198.51.100.2:41000"), TLS: true}},
		},
		"UDP HEAD ping: VENDOR from gtk-gnutella": {Code: HeadComplete, Vendor: GTKG, Queue: -4, TLS: true},
	} {
		pong := open(t, name).(*HeadPong)
		got, err := pong.Status()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		equal(t, name, got, want)
		again, err := want.Pong(pong.Version, HeadRanges|HeadAlternates|HeadPush).Status()
		if err != nil {
			t.Errorf("%s, made: %v", name, err)
		}
		equal(t, name+", made", again, want)
	}
}

func TestHeadPush(t *testing.T) {
	t.Parallel()
	want := HeadStatus{Code: HeadComplete, Push: []byte{1, 2, 3}}
	for version := uint16(1); version <= 2; version++ {
		got, err := want.Pong(version, HeadPush).Status()
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "push locations", got, want)
	}
}

func TestHeadPongMalformed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pong HeadPong
		want error
	}{
		{HeadPong{Version: 1}, ErrTruncated},
		{HeadPong{Version: 1, Body: []byte{2, 1, 'L', 'I', 'M', 'E', 0, 0, 9}}, ErrTruncated},
		{HeadPong{Version: 2, Body: []byte{1, 2}}, ErrMalformed},
	} {
		if s, err := c.pong.Status(); !errors.Is(err, c.want) {
			t.Errorf("%x: %+v, %v", c.pong.Body, s, err)
		}
	}
}

func TestReadQRP(t *testing.T) {
	t.Parallel()
	equal(t, "RESET", body[*Reset](t, "QRP RESET of 4096 slots, infinity 7"), &Reset{Slots: 4096, Infinity: 7})
	equal(t, "PATCH", body[*Patch](t, "QRP PATCH of 16 slots, plain, 1 bit"),
		&Patch{Number: 1, Count: 1, EntryBits: 1, Data: []byte{8, 8}})
	equal(t, "unknown", body[*Unknown](t, "QRP of an unknown variant"), &Unknown{Kind: TypeQRP, Payload: []byte{2, 1, 2, 3}})
}

func TestReadPush(t *testing.T) {
	t.Parallel()
	p := body[*Push](t, "PUSH with TLS")
	if p.Servent[0] != 0xa0 || p.Index != 7 || p.Addr != addr("198.51.100.7:6347") || !p.GGEP().TLS() {
		t.Errorf("got %+v", p)
	}
}

func TestReadHSEP(t *testing.T) {
	t.Parallel()
	equal(t, "HSEP", body[*HSEP](t, "HSEP, two distances"),
		&HSEP{Horizons: []Horizon{{Hosts: 1}, {Hosts: 5, Files: 7}}})
}
