package message

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnucensus/servent/ggep"
)

var compare = cmp.Options{
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
	cmpopts.EquateEmpty(),
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, compare); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// body returns the body of a vector.
func body[B Body](t *testing.T, name string) B {
	t.Helper()
	b, ok := named(t, name).Body.(B)
	if !ok {
		t.Fatalf("%s: another body", name)
	}
	return b
}

func TestReadPong(t *testing.T) {
	t.Parallel()
	p := body[*Pong](t, "UDP PING with SCP, IP, QK, DHTIPP and GUE: PONG from gtk-gnutella")
	equal(t, "pong", *p, Pong{Addr: addr("127.0.0.11:6346"), Files: 2, KiB: 256, Tail: p.Tail})
	if ip, ok := p.GGEP().IP(); !ok || ip != addr("127.0.3.9:50270") {
		t.Errorf("IP %s, %v", ip, ok)
	}
	if !p.Ultrapeer() {
		t.Error("no ultrapeer")
	}
	six := body[*Pong](t, "PONG of a host that has IPv6 only")
	if a, ok := six.GGEP().IPv6(); !ok || a != netip.MustParseAddr("2001:db8::1") {
		t.Errorf("address %s, %v", a, ok)
	}
}

// TestAddresses checks what is written for addresses that four bytes do not hold.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[netip.AddrPort]string{
		addr("192.0.2.1:6346"):          "192.0.2.1:6346",
		addr("[::ffff:192.0.2.1]:6346"): "192.0.2.1:6346",
		addr("[2001:db8::1]:6346"):      "127.0.0.0:6346",
		{}:                              "0.0.0.0:0",
	} {
		b, err := Parse(TypePong, (&Pong{Addr: in}).Append(nil))
		if err != nil || b.(*Pong).Addr != addr(want) {
			t.Errorf("%s: got %v, %v, want %s", in, b, err, want)
		}
	}
}

func TestUltrapeerMark(t *testing.T) {
	t.Parallel()
	for kib, want := range map[uint32]uint32{
		0: 8, 7: 8, 8: 8, 11: 8, 12: 16, 16: 16, 23: 16, 24: 32, 48: 64, 200_000: 262144, 1 << 31: 1 << 31, 1<<32 - 1: 1 << 31,
	} {
		got := UltrapeerKiB(kib)
		if got != want {
			t.Errorf("UltrapeerKiB(%d) = %d, want %d", kib, got, want)
		}
		if !(&Pong{KiB: got}).Ultrapeer() {
			t.Errorf("%d is no mark", got)
		}
		if leaf := LeafKiB(kib); (&Pong{KiB: leaf}).Ultrapeer() || leaf&^1 != kib&^1 || kib == 0 && leaf != 0 {
			t.Errorf("LeafKiB(%d) = %d", kib, leaf)
		}
	}
	for _, kib := range []uint32{0, 1, 4, 9, 2929} {
		if (&Pong{KiB: kib}).Ultrapeer() {
			t.Errorf("%d is a mark", kib)
		}
	}
}

func TestReadQuery(t *testing.T) {
	t.Parallel()
	q := body[*Query](t, "QUERY out of band with SO and M")
	equal(t, "flags", q.Flags, uint16(QueryMark|QueryGuided|QueryH|QueryOOB))
	equal(t, "words", q.Words, "linux iso")
	if m, ok := q.GGEP().M(); !ok || m != 8 {
		t.Errorf("media types %d, %v", m, ok)
	}
	if key, ok := body[*Query](t, "QUERY with a query key in COBS").GGEP().QK(); !ok || string(key) != "\xde\xad\x00\xef" {
		t.Errorf("query key %x, %v", key, ok)
	}
	hash := body[*Query](t, "QUERY by hash")
	equal(t, "words of a query by hash", hash.Words, `\`)
	if m, ok := hash.GGEP().M(); !ok || m != 4 {
		t.Errorf("media types after a URN: %d, %v", m, ok)
	}
}

func TestReadQueryHit(t *testing.T) {
	t.Parallel()
	h := body[*QueryHit](t, "QUERY HIT with one result, SHA1, CT and TLS")
	equal(t, "address", h.Addr, addr("192.0.2.10:6346"))
	equal(t, "speed", h.Speed, uint32(256))
	equal(t, "servent", h.Servent.String(), "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf")
	if len(h.Results) != 1 {
		t.Fatalf("%d results", len(h.Results))
	}
	r := h.Results[0]
	equal(t, "result", r, Result{Index: 7, Size: 123456, Name: "demo.iso", Tail: r.Tail})
	if ct, ok := r.GGEP().CT(); !ok || !ct.Equal(time.Unix(1_600_000_000, 0)) {
		t.Errorf("created %v, %v", ct, ok)
	}
	q, ok := h.QHD()
	if !ok || q.Vendor != GTKG || !q.GGEP().TLS() {
		t.Errorf("trailer %+v, %v", q, ok)
	}
}

func TestReadHitFlags(t *testing.T) {
	t.Parallel()
	no, yes := false, true
	for name, want := range map[string]HitFlags{
		"QUERY HIT with one result, SHA1, CT and TLS":      {Push: &no, Busy: &no, Uploaded: &yes, GGEP: true},
		"QUERY HIT of LimeWire with XML, firewalled":       {Push: &yes, Busy: &no, Uploaded: &no, Measured: &no, GGEP: true},
		"QUERY HIT of old NapShare, one byte of open data": {Push: &yes, Busy: &yes},
	} {
		q, ok := body[*QueryHit](t, name).QHD()
		if !ok {
			t.Errorf("%s: no trailer", name)
		}
		equal(t, name, q.Flags(), want)
		if len(q.Open) > 1 {
			equal(t, name+": open data", want.Open(), q.Open[:2])
		}
	}
	equal(t, "no flags", QHD{}.Flags(), HitFlags{})
	equal(t, "no flags written", HitFlags{}.Open(), []byte{0, 0})
	busy := HitFlags{Push: &no, Busy: &yes, Measured: &yes}
	equal(t, "flags read back", QHD{Open: busy.Open()}.Flags(), busy)
}

func TestNoTrailer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"QUERY HIT without a trailer and without results", "QUERY HIT with a trailer that is none"} {
		if q, ok := body[*QueryHit](t, name).QHD(); ok {
			t.Errorf("%s: %+v", name, q)
		}
	}
}

func TestLargeFile(t *testing.T) {
	t.Parallel()
	tail, err := ggep.AppendNULFree([]byte("urn:sha1:\x1c"), ggep.LF(5<<32))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		result Result
		want   uint64
	}{
		{Result{Size: 10, Tail: tail}, 10},
		{Result{Size: 1<<32 - 1, Tail: tail}, 5 << 32},
		{Result{Size: 1<<32 - 1}, 1<<32 - 1},
	} {
		if got := c.result.Bytes(); got != c.want {
			t.Errorf("got %d, want %d", got, c.want)
		}
	}
}

// TestFalseCount checks that a hit makes no room for results that it has no bytes for.
func TestFalseCount(t *testing.T) {
	payload := append([]byte{255}, make([]byte, 40)...)
	if n := allocated(func() { _, _ = Parse(TypeQueryHit, payload) }); n > 8<<10 {
		t.Errorf("%d bytes for a payload of %d", n, len(payload))
	}
}

func TestReadBye(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		code uint16
		text string
	}{
		"BYE of a servent that shuts down":               {200, "Servent shutdown"},
		"BYE with a header":                              {406, "reason"},
		"BYE of GnucDNA, without a code":                 {0, "Closing down"},
		"leaf session, shut down: BYE from gtk-gnutella": {200, "Servent shutdown"},
	} {
		code, text := body[*Bye](t, name).Reason()
		if code != want.code || text != want.text {
			t.Errorf("%s: %d %q", name, code, text)
		}
	}
	if code, text := NewBye(503, "full").Reason(); code != 503 || text != "full" {
		t.Errorf("own: %d %q", code, text)
	}
	equal(t, "own payload", NewBye(200, "x").Append(nil), []byte{200, 0, 'x', 0})
}

func TestVendorCode(t *testing.T) {
	t.Parallel()
	for code, want := range map[VendorCode]string{GTKG: "GTKG", NoVendor: "", {'A', 0, 0x1b, 'B'}: "A..B"} {
		if got := code.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestStandardVendor(t *testing.T) {
	t.Parallel()
	v := body[*Vendor](t, "standard vendor message")
	want := Vendor{Vendor: VendorCode{'X', 'Y', 'Z', 'Z'}, Selector: 1, Version: 2, Body: []byte{0xff}, Standard: true}
	equal(t, "message", *v, want)
	equal(t, "type", v.Type(), TypeStandardVendor)
}
