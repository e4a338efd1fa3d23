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
// Open reads the typed message that it is; a [VendorMessage] makes one.
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

// A VendorMessage is a vendor message whose body is understood: one of *[MessagesSupported], *[FeaturesSupported],
// *[HopsFlow], *[QueryStatusRequest], *[QueryStatus], *[TCPConnectBack], *[UDPConnectBack], *[CrawlerPing], *[CrawlerPong],
// *[OOBReplyNumber], *[OOBReplyAck], *[OOBProxyVeto], *[PushProxyRequest], *[PushProxyAck], *[PushProxyCancel], *[HeadPing],
// *[HeadPong], *[ConnectBackRedirect].
//
// Those whose layout depends on their version keep it; all others are read in any version, and written in version 1, or 0
// for the two lists of what is supported. What newer versions append is the Tail.
type VendorMessage interface{ Vendor() *Vendor }

// A vendorKey names a vendor message, whatever its version.
type vendorKey struct {
	vendor   VendorCode
	selector uint16
}

// Keys of the vendor messages that are understood.
var (
	keyMessagesSupported  = vendorKey{NoVendor, 0}
	keyFeaturesSupported  = vendorKey{NoVendor, 10}
	keyHopsFlow           = vendorKey{BEAR, 4}
	keyTCPConnectBack     = vendorKey{BEAR, 7}
	keyQueryStatusRequest = vendorKey{BEAR, 11}
	keyQueryStatus        = vendorKey{BEAR, 12}
	keyUDPConnectBack     = vendorKey{GTKG, 7}
	keyPushProxyCancel    = vendorKey{GTKG, 21}
	keyCrawlerPing        = vendorKey{LIME, 5}
	keyCrawlerPong        = vendorKey{LIME, 6}
	keyTCPRedirect        = vendorKey{LIME, 7}
	keyUDPRedirect        = vendorKey{LIME, 8}
	keyOOBReplyAck        = vendorKey{LIME, 11}
	keyOOBReplyNumber     = vendorKey{LIME, 12}
	keyOOBProxyVeto       = vendorKey{LIME, 13}
	keyPushProxyRequest   = vendorKey{LIME, 21}
	keyPushProxyAck       = vendorKey{LIME, 22}
	keyHeadPing           = vendorKey{LIME, 23}
	keyHeadPong           = vendorKey{LIME, 24}
)

// openers read the body of a vendor message of some version.
var openers = map[vendorKey]func(c *cursor.Cursor, version uint16) VendorMessage{
	keyMessagesSupported:  openMessagesSupported,
	keyFeaturesSupported:  openFeaturesSupported,
	keyHopsFlow:           openHopsFlow,
	keyTCPConnectBack:     openTCPConnectBack,
	keyQueryStatusRequest: openQueryStatusRequest,
	keyQueryStatus:        openQueryStatus,
	keyUDPConnectBack:     openUDPConnectBack,
	keyPushProxyCancel:    openPushProxyCancel,
	keyCrawlerPing:        openCrawlerPing,
	keyCrawlerPong:        openCrawlerPong,
	keyTCPRedirect:        openTCPRedirect,
	keyUDPRedirect:        openUDPRedirect,
	keyOOBReplyAck:        openOOBReplyAck,
	keyOOBReplyNumber:     openOOBReplyNumber,
	keyOOBProxyVeto:       openOOBProxyVeto,
	keyPushProxyRequest:   openPushProxyRequest,
	keyPushProxyAck:       openPushProxyAck,
	keyHeadPing:           openHeadPing,
	keyHeadPong:           openHeadPong,
}

// Open reads the body. The error is an *[Error]: [ErrOther] for a message that this package does not understand.
func (v *Vendor) Open() (VendorMessage, error) {
	open, ok := openers[vendorKey{v.Vendor, v.Selector}]
	if !ok {
		return nil, &Error{Type: v.Type(), Field: "selector", Offset: len(v.Vendor), Err: ErrOther}
	}
	c := cursor.New(v.Body)
	m := open(&c, v.Version)
	if e := c.Fault(); e != nil {
		return nil, &Error{Type: v.Type(), Field: e.Field, Offset: vendorHead + e.Offset, Err: e.Err}
	}
	return m, nil
}

// openAs opens a message that is of type M, and no other.
func openAs[M VendorMessage](v *Vendor, key vendorKey) (m M, err error) {
	if !v.Is(key.vendor, key.selector) {
		return m, &Error{Type: v.Type(), Field: "selector", Offset: len(v.Vendor), Err: ErrOther}
	}
	opened, err := v.Open()
	if err != nil {
		return m, err
	}
	return opened.(M), nil
}

// message returns a vendor message with that key.
func (k vendorKey) message(version uint16, body []byte) *Vendor {
	return &Vendor{Vendor: k.vendor, Selector: k.selector, Version: version, Body: body}
}
