package message

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gnucensus/servent/internal/vector"
)

// allVectors returns the whole messages of testdata.
func allVectors(tb testing.TB) []vector.Vector {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no testdata: %v", err)
	}
	var all []vector.Vector
	for _, file := range files {
		all = append(all, vector.Read(tb, file)...)
	}
	return all
}

// named returns the one message of testdata with that name.
func named(tb testing.TB, name string) Message {
	tb.Helper()
	for _, v := range allVectors(tb) {
		if v.Name == name {
			m, err := ParseDatagram(v.Bytes)
			if err != nil {
				tb.Fatal(err)
			}
			return m
		}
	}
	tb.Fatalf("no vector %q", name)
	return Message{}
}

// TestVectors parses each message and encodes it again.
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range allVectors(t) {
		m, err := ParseDatagram(v.Bytes)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		b, err := Append([]byte("before"), m)
		if err != nil || !bytes.Equal(b, append([]byte("before"), v.Bytes...)) {
			t.Errorf("%s: encodes to\n%x, %v, want\n%x", v.Name, b, err, v.Bytes)
		}
		if err := reencode(m.Body); err != nil && !errors.Is(err, ErrTruncated) {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

// TestPrefixes cuts each message everywhere: a cut payload is truncated, or a shorter message of its own.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	for _, v := range allVectors(t) {
		for n := range v.Bytes {
			if _, err := ParseDatagram(v.Bytes[:n]); !errors.Is(err, ErrTruncated) {
				t.Errorf("%s: datagram of %d bytes: %v", v.Name, n, err)
			}
		}
		payload := v.Bytes[HeaderLen:]
		for n := range payload {
			body, err := Parse(Type(v.Bytes[16]), payload[:n])
			if err != nil {
				if !errors.Is(err, ErrTruncated) {
					t.Errorf("%s: payload of %d bytes: %v", v.Name, n, err)
				}
				continue
			}
			if b := body.Append(nil); !bytes.Equal(b, payload[:n]) {
				t.Errorf("%s: payload of %d bytes encodes to %x", v.Name, n, b)
			}
			if err := reencode(body); err != nil && !errors.Is(err, ErrTruncated) {
				t.Errorf("%s: payload of %d bytes: %v", v.Name, n, err)
			}
		}
	}
}

// reencode opens all that a body holds, and tells whether what it holds encodes back to the same bytes.
func reencode(body Body) error {
	same := func(got, want []byte) error {
		if !bytes.Equal(got, want) {
			return errors.New("another encoding")
		}
		return nil
	}
	switch b := body.(type) {
	case *Ping:
		b.GGEP().SCP()
	case *Pong:
		b.GGEP().IPP()
		b.Ultrapeer()
	case *Query:
		b.GGEP()
		b.Extensions()
	case *Bye:
		b.Reason()
	case *QueryHit:
		for i := range b.Results {
			b.Results[i].Bytes()
			b.Results[i].Extensions()
		}
		if q, ok := b.QHD(); ok {
			q.GGEP()
			q.Flags()
			if xml, err := q.XML(); len(xml) > maxXML || err != nil && !errors.As(err, new(*Error)) {
				return errors.New("XML too long, or another error")
			}
			return same(q.Append(nil), b.Tail)
		}
	case *Vendor:
		return reencodeVendor(b, same)
	}
	return nil
}

func reencodeVendor(v *Vendor, same func(got, want []byte) error) error {
	m, err := v.Open()
	if errors.Is(err, ErrOther) {
		return nil
	}
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *CrawlerPong:
		entries, own, _ := m.Agents()
		if agent, _ := m.Agent(); agent != own {
			return fmt.Errorf("agent %q, the last of all is %q", agent, own)
		}
		if len(entries) != len(m.Ultrapeers)+len(m.Leaves) {
			return errors.New("not one agent for each entry")
		}
	case *HeadPong:
		if s, err := m.Status(); err == nil {
			s.Pong(m.Version, 0xff)
		}
	case *HeadPing:
		m.GGEP()
	case *OOBReplyAck:
		m.GGEP().SO()
	}
	return same(m.Vendor().Body, v.Body)
}

// FuzzDatagram checks that whatever parses encodes back to the same bytes, and that parsing takes no more memory than its
// input justifies.
func FuzzDatagram(f *testing.F) {
	for _, v := range allVectors(f) {
		f.Add(v.Bytes)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Message
		var err error
		if n := allocated(func() { m, err = ParseDatagram(b) }); n > 1<<20+64*uint64(len(b)) {
			t.Fatalf("%d bytes of input took %d bytes of memory", len(b), n)
		}
		if err != nil {
			return
		}
		if again, err := Append(nil, m); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("encodes to %x, %v", again, err)
		}
		if err := reencode(m.Body); err != nil && !errors.Is(err, ErrTruncated) {
			t.Fatal(err)
		}
		if _, err := Inflate(m); err != nil && m.TTL&TTLDeflated == 0 {
			t.Fatal(err)
		}
	})
}

// allocated tells how many bytes f allocates, and whatever else runs meanwhile.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestHeader(t *testing.T) {
	t.Parallel()
	b := Header{GUID: GUID{1, 2}, Type: TypeQuery, TTL: 3, Hops: 4, Length: 5}.Append(nil)
	h, err := ParseHeader(b)
	if err != nil || h != (Header{GUID: GUID{1, 2}, Type: TypeQuery, TTL: 3, Hops: 4, Length: 5}) {
		t.Errorf("got %+v, %v", h, err)
	}
	if _, err := ParseHeader(b[:HeaderLen-1]); !errors.Is(err, ErrTruncated) {
		t.Errorf("cut header: %v", err)
	}
}

// TestLimits checks that a length is refused before its payload is there, and a payload that grew too long when written.
func TestLimits(t *testing.T) {
	t.Parallel()
	for typ, limit := range map[Type]uint32{
		TypePing: 40960, TypePong: 40960, TypeQuery: 1024, TypeQueryHit: 65535, TypeBye: 4096, TypeVendor: 40960, 0x77: 40960,
	} {
		if _, err := ParseHeader(Header{Type: typ, Length: limit}.Append(nil)); err != nil {
			t.Errorf("%s of %d bytes: %v", typ, limit, err)
		}
		if _, err := ParseHeader(Header{Type: typ, Length: limit + 1}.Append(nil)); !errors.Is(err, ErrTooLong) {
			t.Errorf("%s of %d bytes: %v", typ, limit+1, err)
		}
		if _, err := Parse(typ, make([]byte, limit+1)); !errors.Is(err, ErrTooLong) {
			t.Errorf("parse %s of %d bytes: %v", typ, limit+1, err)
		}
	}
	long := &Query{Words: strings.Repeat("a", 1024)}
	if b, err := Append([]byte{7}, Message{Body: long}); !errors.Is(err, ErrTooLong) || !bytes.Equal(b, []byte{7}) {
		t.Errorf("append: %d bytes, %v", len(b), err)
	}
	if _, err := ParseHeader(Header{Type: 0xee, Length: 1<<32 - 1}.Append(nil)); !errors.Is(err, ErrTooLong) {
		t.Errorf("4 GiB: %v", err)
	}
}

// TestInvalid checks that a body that would be read back otherwise is not written.
func TestInvalid(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]Body{
		"NUL in words":      &Query{Words: "a\x00b"},
		"NUL in name":       &QueryHit{Results: []Result{{Name: "a\x00b"}}},
		"NUL in extensions": &QueryHit{Results: []Result{{Tail: []byte{0}}}},
		"256 results":       &QueryHit{Results: make([]Result, 256)},
	} {
		var e *Error
		_, err := Append(nil, Message{Body: body})
		if !errors.Is(err, ErrInvalid) || !errors.As(err, &e) || e.Type != body.Type() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorNamesTheField(t *testing.T) {
	t.Parallel()
	_, err := Parse(TypePong, make([]byte, 8))
	var e *Error
	if !errors.As(err, &e) || *e != (Error{Type: TypePong, Field: "files", Offset: 6, Err: ErrTruncated}) {
		t.Errorf("got %#v", err)
	}
	if got, want := err.Error(), "PONG: files at offset 6: truncated"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseCopies(t *testing.T) {
	t.Parallel()
	for _, v := range allVectors(t) {
		b := bytes.Clone(v.Bytes)
		m, err := ParseDatagram(b)
		if err != nil {
			t.Fatal(err)
		}
		clear(b)
		if again, _ := Append(nil, m); !bytes.Equal(again, v.Bytes) {
			t.Errorf("%s: shares memory with its input", v.Name)
		}
	}
}

func TestPongAllocations(t *testing.T) {
	pong := (&Pong{Tail: []byte{0xc3, 0x82, 'G', 'U', 0x40}}).Append(nil)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := Parse(TypePong, pong); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 2 {
		t.Errorf("%v allocations, want the body and its tail", allocs)
	}
}

func TestNewGUID(t *testing.T) {
	t.Parallel()
	a, b := NewGUID(), NewGUID()
	if a == b || a[8] != 0xff || a[15] != 0 {
		t.Errorf("got %s and %s", a, b)
	}
	if got := (GUID{0xab, 15: 1}).String(); got != "ab000000000000000000000000000001" {
		t.Errorf("got %s", got)
	}
}

func TestTypeString(t *testing.T) {
	t.Parallel()
	for typ, want := range map[Type]string{
		TypePing: "PING", TypePong: "PONG", TypeBye: "BYE", TypeQRP: "QRP", TypeVendor: "VENDOR", TypeStandardVendor: "VENDOR",
		TypePush: "PUSH", TypeRUDP: "RUDP", TypeDHT: "DHT", TypeQuery: "QUERY", TypeQueryHit: "QUERY HIT", TypeHSEP: "HSEP",
		0x99: "type 0x99",
	} {
		if got := typ.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
