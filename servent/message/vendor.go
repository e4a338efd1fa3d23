package message

import (
	"encoding/binary"

	"gnucensus/servent/internal/cursor"
)

// A VendorCode names the maker of a servent in four letters; four zeros are nobody in particular.
type VendorCode [4]byte

// Codes of the makers whose messages servents share.
var (
	NoVendor = VendorCode{}
	BEAR     = VendorCode{'B', 'E', 'A', 'R'}
	GTKG     = VendorCode{'G', 'T', 'K', 'G'}
	LIME     = VendorCode{'L', 'I', 'M', 'E'}
)

// String returns the four letters, with a dot for what is not printable, and nothing for nobody.
func (v VendorCode) String() string {
	if v == NoVendor {
		return ""
	}
	for i, c := range v {
		if !printable(c) {
			v[i] = '.'
		}
	}
	return string(v[:])
}

// A Vendor is a vendor message:
//
//	0   4   vendor code
//	4   2   selector
//	6   2   version
//	8   …   body
//
// Typed messages such as [CrawlerPing] are read from it and make one.
type Vendor struct {
	Vendor   VendorCode
	Selector uint16
	Version  uint16
	Body     []byte
	Standard bool // sent as type 0x32 instead of 0x31
}

// Type returns [TypeVendor] or [TypeStandardVendor].
func (v *Vendor) Type() Type {
	if v.Standard {
		return TypeStandardVendor
	}
	return TypeVendor
}

// Append writes the payload.
func (v *Vendor) Append(b []byte) []byte {
	b = append(b, v.Vendor[:]...)
	b = binary.LittleEndian.AppendUint16(b, v.Selector)
	b = binary.LittleEndian.AppendUint16(b, v.Version)
	return append(b, v.Body...)
}

func parseVendor(c *cursor.Cursor, standard bool) *Vendor {
	v := &Vendor{Standard: standard}
	copy(v.Vendor[:], c.Bytes("vendor code", len(v.Vendor)))
	v.Selector = c.LE16("selector")
	v.Version = c.LE16("version")
	v.Body = clone(c.Rest())
	return v
}

// vendorHead is the size of what precedes the body of a vendor message.
const vendorHead = 8

// Is tells whether the message is the one of that vendor with that selector, in any version.
func (v *Vendor) Is(vendor VendorCode, selector uint16) bool {
	return v.Vendor == vendor && v.Selector == selector
}

// open returns a cursor over the body, or an error when the message is another one.
func (v *Vendor) open(vendor VendorCode, selector uint16) (cursor.Cursor, error) {
	if !v.Is(vendor, selector) {
		return cursor.Cursor{}, &Error{Type: v.Type(), Field: "selector", Err: ErrOther}
	}
	return cursor.New(v.Body), nil
}

// fault returns the first fault of a cursor over the body as an *[Error], or nil.
func (v *Vendor) fault(c *cursor.Cursor) error {
	e := c.Fault()
	if e == nil {
		return nil
	}
	return &Error{Type: v.Type(), Field: e.Field, Offset: vendorHead + e.Offset, Err: e.Err}
}
