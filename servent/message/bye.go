package message

import (
	"encoding/binary"
	"strings"

	"gnucensus/servent/internal/cursor"
)

// A Bye is the last message on a link:
//
//	0   2   code, as in the handshake
//	2   …   reason, perhaps header lines after it, then NUL
type Bye struct {
	Code uint16
	Text string // as sent, its NUL included
}

// NewBye returns a BYE with a reason of one line.
func NewBye(code uint16, reason string) *Bye { return &Bye{Code: code, Text: reason + "\x00"} }

// Type returns [TypeBye].
func (y *Bye) Type() Type { return TypeBye }

// Append writes the payload.
func (y *Bye) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, y.Code)
	return append(b, y.Text...)
}

func parseBye(c *cursor.Cursor) *Bye {
	return &Bye{Code: c.LE16("code"), Text: string(c.Rest())}
}

// maxByeCode is the highest code that is believed.
const maxByeCode = 999

// Reason returns the code and the first line of the text. GnucDNA sends no code: its text begins in the place of the code,
// which is 0 then.
func (y *Bye) Reason() (code uint16, text string) {
	code, text = y.Code, y.Text
	if lead := [2]byte{byte(code), byte(code >> 8)}; code > maxByeCode && printable(lead[0]) && printable(lead[1]) {
		code, text = 0, string(lead[:])+text
	}
	if i := strings.IndexAny(text, "\x00\r\n"); i >= 0 {
		text = text[:i]
	}
	return code, text
}

func printable(c byte) bool { return c >= ' ' && c <= '~' }
