package cursor

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
)

func TestFields(t *testing.T) {
	t.Parallel()
	c := New([]byte{1, 2, 1, 1, 2, 4, 3, 2, 1, 192, 0, 2, 1, 'a', 'b', 0, 9, 8, 7})
	if got := c.U8("u8"); got != 1 {
		t.Errorf("U8: %d", got)
	}
	if got := c.LE16("le16"); got != 0x102 {
		t.Errorf("LE16: %#x", got)
	}
	if got := c.BE16("be16"); got != 0x102 {
		t.Errorf("BE16: %#x", got)
	}
	if got := c.LE32("le32"); got != 0x1020304 {
		t.Errorf("LE32: %#x", got)
	}
	if got := c.IPv4("address"); got != netip.AddrFrom4([4]byte{192, 0, 2, 1}) {
		t.Errorf("IPv4: %s", got)
	}
	if got := c.Until("text", 0); string(got) != "ab" {
		t.Errorf("Until: %q", got)
	}
	if got := c.Bytes("bytes", 1); !bytes.Equal(got, []byte{9}) || c.Offset() != 17 || c.Len() != 2 {
		t.Errorf("Bytes: %v, offset %d, %d left", got, c.Offset(), c.Len())
	}
	if got := c.Rest(); !bytes.Equal(got, []byte{8, 7}) || c.Len() != 0 || c.Fault() != nil {
		t.Errorf("Rest: %v, fault %v", got, c.Fault())
	}
}

// TestFirstFault checks that the first fault stays and that nothing is read after it.
func TestFirstFault(t *testing.T) {
	t.Parallel()
	c := New([]byte{1, 2, 3})
	c.U8("first")
	c.LE32("second")
	if c.U8("third") != 0 || c.LE16("fourth") != 0 || c.BE16("fifth") != 0 || c.IPv4("sixth").IsValid() ||
		c.Rest() != nil || c.Until("seventh", 3) != nil || c.Len() != 0 {
		t.Error("something was read after a fault")
	}
	e := c.Fault()
	if e == nil || e.Field != "second" || e.Offset != 1 || !errors.Is(e, ErrTruncated) {
		t.Fatalf("got %v", e)
	}
	if got, want := e.Error(), "read second at offset 1: truncated"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestUntilWithoutEnd(t *testing.T) {
	t.Parallel()
	c := New([]byte("abc"))
	if got := c.Until("text", 0); got != nil || c.Fault() == nil || c.Fault().Offset != 0 {
		t.Errorf("got %q, fault %v", got, c.Fault())
	}
}

// TestBytesDoNotGrow checks that to append to a field does not overwrite the next one.
func TestBytesDoNotGrow(t *testing.T) {
	t.Parallel()
	b := []byte{1, 2, 3}
	c := New(b)
	_ = append(c.Bytes("one", 1), 9)
	if b[1] != 2 {
		t.Error("append reached into the next field")
	}
}
