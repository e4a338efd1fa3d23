package handshake

import (
	"net/netip"
	"strings"
)

// A Field is one header field. The value is what stands between the colon and the end of the line without the blanks around
// it; where the field is folded over several lines, their values joined by one blank each. Both are bytes of the peer as
// they came, not yet fit for display.
type Field struct{ Name, Value string }

// Fields are the header fields of one head: ordered, possibly repeated, names spelled as received or as they shall be sent.
// Names are compared without regard to case.
type Fields []Field

// Get returns the value of the first field of that name, empty when there is none.
func (f Fields) Get(name string) string {
	for _, field := range f {
		if strings.EqualFold(field.Name, name) {
			return field.Value
		}
	}
	return ""
}

// Values returns the values of all fields of that name, in order.
func (f Fields) Values(name string) []string {
	var values []string
	for _, field := range f {
		if strings.EqualFold(field.Name, name) {
			values = append(values, field.Value)
		}
	}
	return values
}

// Has tells whether there is a field of that name, be its value empty or not.
func (f Fields) Has(name string) bool {
	for _, field := range f {
		if strings.EqualFold(field.Name, name) {
			return true
		}
	}
	return false
}

// Bool returns what the first field of that name says, True or False in any case of letters. The value is not known when
// there is no such field, or another word in it.
func (f Fields) Bool(name string) (value, known bool) {
	switch strings.ToLower(f.Get(name)) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// Lists tells whether token is an element of the comma-separated lists in the fields of that name, as "deflate" may be one
// of Accept-Encoding. Case does not matter.
func (f Fields) Lists(name, token string) bool {
	for _, value := range f.Values(name) {
		for element := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.Trim(element, blanks), token) {
				return true
			}
		}
	}
	return false
}

// Addrs returns the addresses in all fields of the given names, read as [ParseAddrs] does.
func (f Fields) Addrs(names ...string) []netip.AddrPort {
	var list []string
	for _, name := range names {
		list = append(list, f.Values(name)...)
	}
	return ParseAddrs(strings.Join(list, ","))
}

// Append writes the fields to b, one line each, without the empty line that ends a head. A line break within a name or a
// value would begin another field: in a name a blank takes its place, in a value it begins a folded line.
func (f Fields) Append(b []byte) []byte {
	for _, field := range f {
		b = append(b, oneLine(field.Name)...)
		b = append(b, ": "...)
		b = append(b, strings.ReplaceAll(field.Value, "\n", "\r\n\t")...)
		b = append(b, "\r\n"...)
	}
	return b
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }
