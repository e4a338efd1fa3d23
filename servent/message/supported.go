package message

import (
	"encoding/binary"

	"gnucensus/servent/internal/cursor"
)

// MessagesSupported is the first message on a link whose handshake had Vendor-Message: which vendor messages the sender
// reads. Its body:
//
//	0   2   count
//	2   …   as often: vendor code, 4; selector, 2; version, 2
type MessagesSupported struct {
	Messages []SupportedMessage
	Tail     []byte
}

// A SupportedMessage names a vendor message and a version.
type SupportedMessage struct {
	Vendor   VendorCode
	Selector uint16
	Version  uint16
}

// Vendor returns 0/0v0.
func (m *MessagesSupported) Vendor() *Vendor {
	b := binary.LittleEndian.AppendUint16(nil, uint16(len(m.Messages)))
	for _, s := range m.Messages {
		b = append(b, s.Vendor[:]...)
		b = binary.LittleEndian.AppendUint16(b, s.Selector)
		b = binary.LittleEndian.AppendUint16(b, s.Version)
	}
	return keyMessagesSupported.message(0, append(b, m.Tail...))
}

func openMessagesSupported(c *cursor.Cursor, _ uint16) VendorMessage {
	const size = 8
	m := &MessagesSupported{}
	n := int(c.LE16("count"))
	list := cursor.New(c.Bytes("messages", n*size))
	for range list.Len() / size {
		var s SupportedMessage
		copy(s.Vendor[:], list.Bytes("vendor code", len(s.Vendor)))
		s.Selector, s.Version = list.LE16("selector"), list.LE16("version")
		m.Messages = append(m.Messages, s)
	}
	m.Tail = clone(c.Rest())
	return m
}

// Supports tells whether the sender reads that vendor message, and up to which version.
func (m *MessagesSupported) Supports(vendor VendorCode, selector uint16) (version uint16, ok bool) {
	for _, s := range m.Messages {
		if s.Vendor == vendor && s.Selector == selector {
			version, ok = max(version, s.Version), true
		}
	}
	return version, ok
}

// FeaturesSupported lists what else the sender can do. Its body:
//
//	0   2   count
//	2   …   as often: name, 4; value, 2
//	…   2   version 1, if a value needs more than two bytes: count
//	…   …   as often: name, 4; value, 4
type FeaturesSupported struct {
	Version  uint16    // 0, or 1 from LimeWire
	Features []Feature // values cut to 16 bits
	Wide     []Feature // once more, those that need more; only in version 1
	Tail     []byte
}

// A Feature is a name of four letters, such as HSEP or TLS!, and a value, mostly a version.
type Feature struct {
	Name  [4]byte
	Value uint32
}

// Vendor returns 0/10v0 or v1.
func (m *FeaturesSupported) Vendor() *Vendor {
	b := binary.LittleEndian.AppendUint16(nil, uint16(len(m.Features)))
	for _, f := range m.Features {
		b = append(b, f.Name[:]...)
		b = binary.LittleEndian.AppendUint16(b, uint16(f.Value))
	}
	if len(m.Wide) > 0 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(m.Wide)))
		for _, f := range m.Wide {
			b = append(b, f.Name[:]...)
			b = binary.LittleEndian.AppendUint32(b, f.Value)
		}
	}
	return keyFeaturesSupported.message(m.Version, append(b, m.Tail...))
}

func openFeaturesSupported(c *cursor.Cursor, version uint16) VendorMessage {
	m := &FeaturesSupported{Version: version}
	n := int(c.LE16("count"))
	list := cursor.New(c.Bytes("features", n*6))
	for list.Len() > 0 {
		m.Features = append(m.Features, parseFeature(&list, 2))
	}
	m.Tail = clone(c.Rest())
	wide := cursor.New(m.Tail)
	n = int(wide.LE16("count"))
	list = cursor.New(wide.Bytes("wide features", n*8))
	if version == 0 || n == 0 || wide.Fault() != nil {
		return m
	}
	for list.Len() > 0 {
		m.Wide = append(m.Wide, parseFeature(&list, 4))
	}
	m.Tail = clone(wide.Rest())
	return m
}

// parseFeature reads a feature whose value has two or four bytes.
func parseFeature(c *cursor.Cursor, size int) (f Feature) {
	copy(f.Name[:], c.Bytes("name", len(f.Name)))
	if size == 2 {
		f.Value = uint32(c.LE16("value"))
	} else {
		f.Value = c.LE32("value")
	}
	return f
}

// Value returns the value of a feature, in full where it is told so.
func (m *FeaturesSupported) Value(name string) (value uint32, ok bool) {
	for _, list := range [][]Feature{m.Wide, m.Features} {
		for _, f := range list {
			if string(f.Name[:]) == name {
				return f.Value, true
			}
		}
	}
	return 0, false
}
