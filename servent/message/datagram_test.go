package message

import (
	"bytes"
	"compress/zlib"
	"errors"
	"testing"
)

func deflated(t testing.TB, payload []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(payload); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// datagram returns a message whose payload is sent as it is.
func datagram(t Type, ttl uint8, payload []byte) []byte {
	return append(Header{Type: t, TTL: ttl, Length: uint32(len(payload))}.Append(nil), payload...)
}

// TestDeflated reads a deflated answer, which stays as it is until it is inflated.
func TestDeflated(t *testing.T) {
	t.Parallel()
	want := named(t, "QUERY HIT with one result, SHA1, CT and TLS")
	b := datagram(TypeQueryHit, 0x81, deflated(t, want.Body.Append(nil)))
	m, err := ParseDatagram(b)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Append(nil, m); err != nil || !bytes.Equal(again, b) {
		t.Errorf("encodes to %x, %v", again, err)
	}
	if m, err = Inflate(m); err != nil || m.TTL != 1 {
		t.Fatalf("TTL %#x, %v", m.TTL, err)
	}
	equal(t, "inflated", m.Body, want.Body)
}

func TestInflateLeavesOthers(t *testing.T) {
	t.Parallel()
	for _, m := range []Message{
		{TTL: 1, Body: &Ping{}},
		{TTL: 0x81, Body: &Ping{}},
		{TTL: 1, Body: &Unknown{Kind: TypeDHT, Payload: []byte{1}}},
	} {
		got, err := Inflate(m)
		if err != nil || got.Body != m.Body || got.TTL != m.TTL {
			t.Errorf("%+v: got %+v, %v", m, got, err)
		}
	}
}

func TestInflateErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		typ     Type
		payload []byte
		want    error
	}{
		"no stream":        {TypePong, []byte("no stream"), ErrMalformed},
		"cut off":          {TypePong, deflated(t, make([]byte, 20))[:8], ErrMalformed},
		"bomb":             {TypePong, deflated(t, make([]byte, 1<<20)), ErrTooLong},
		"short payload":    {TypePong, deflated(t, []byte{1}), ErrTruncated},
		"as long as a hit": {TypeQuery, deflated(t, make([]byte, 1025)), ErrTooLong},
	} {
		m, err := ParseDatagram(datagram(c.typ, 0x81, c.payload))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := Inflate(m); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestDatagramErrors(t *testing.T) {
	t.Parallel()
	longer := append(datagram(TypePing, 1, nil), 0)
	if _, err := ParseDatagram(longer); !errors.Is(err, ErrMalformed) {
		t.Errorf("a byte too many: %v", err)
	}
	if _, err := ParseDatagram(datagram(TypePong, 1, []byte{1})); !errors.Is(err, ErrTruncated) {
		t.Errorf("a short PONG: %v", err)
	}
	if _, err := ParseDatagram(datagram(TypeQuery, 1, make([]byte, 2000))); !errors.Is(err, ErrTooLong) {
		t.Errorf("a long QUERY: %v", err)
	}
}

func BenchmarkParsePong(b *testing.B) {
	pong := named(b, "PONG of a host cache with IPP, IPP_TLS and UDPHC").Body.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(TypePong, pong); err != nil {
			b.Fatal(err)
		}
	}
}

// TestDeflate deflates what becomes smaller by it, and leaves the rest.
func TestDeflate(t *testing.T) {
	t.Parallel()
	for _, v := range allVectors(t) {
		m, err := ParseDatagram(v.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		m.TTL &^= TTLDeflated
		packed := Deflate(m)
		if len(packed.Body.Append(nil)) > len(m.Body.Append(nil)) {
			t.Errorf("%s: became larger", v.Name)
		}
		back, err := Inflate(packed)
		if err != nil || back.TTL != m.TTL {
			t.Fatalf("%s: TTL %#x, %v", v.Name, back.TTL, err)
		}
		equal(t, v.Name, back.Body.Append(nil), m.Body.Append(nil))
	}
	big := Message{TTL: 1, Body: &Query{Words: string(bytes.Repeat([]byte("a"), 500))}}
	if got := Deflate(big); got.TTL != 1|TTLDeflated || got.Body.Type() != TypeQuery {
		t.Errorf("%+v", got)
	}
}
