package message

import "fmt"

// A Type tells what a payload is; specifications call it function or payload descriptor.
type Type uint8

// Types that servents use.
const (
	TypePing           Type = 0x00
	TypePong           Type = 0x01
	TypeBye            Type = 0x02
	TypeQRP            Type = 0x30 // route table update: RESET or PATCH
	TypeVendor         Type = 0x31
	TypeStandardVendor Type = 0x32 // a vendor message too; nobody treats it otherwise
	TypePush           Type = 0x40
	TypeRUDP           Type = 0x41 // a stream over UDP, not a Gnutella message
	TypeDHT            Type = 0x44 // Mojito
	TypeQuery          Type = 0x80
	TypeQueryHit       Type = 0x81
	TypeHSEP           Type = 0xCD // horizon size estimation
)

// String returns the name of the type as specifications write it.
func (t Type) String() string {
	switch t {
	case TypePing:
		return "PING"
	case TypePong:
		return "PONG"
	case TypeBye:
		return "BYE"
	case TypeQRP:
		return "QRP"
	case TypeVendor, TypeStandardVendor:
		return "VENDOR"
	case TypePush:
		return "PUSH"
	case TypeRUDP:
		return "RUDP"
	case TypeDHT:
		return "DHT"
	case TypeQuery:
		return "QUERY"
	case TypeQueryHit:
		return "QUERY HIT"
	case TypeHSEP:
		return "HSEP"
	}
	return fmt.Sprintf("type %#02x", uint8(t))
}

// MaxLen is the longest payload of the type in bytes. Whoever sends more is cut off: these are the sizes at which
// gtk-gnutella closes the link.
func (t Type) MaxLen() uint32 {
	switch t {
	case TypeQuery:
		return 1024
	case TypeBye:
		return 4096
	case TypeQueryHit:
		return 65535
	}
	return 40960
}

// An Unknown is a payload of a type that this package does not read.
type Unknown struct {
	Kind    Type
	Payload []byte
}

// Type returns the kind.
func (u *Unknown) Type() Type { return u.Kind }

// Append writes the payload.
func (u *Unknown) Append(b []byte) []byte { return append(b, u.Payload...) }
