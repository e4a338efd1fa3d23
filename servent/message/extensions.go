package message

import (
	"bytes"
	"fmt"
	"strings"

	"gnucensus/servent/ggep"
)

// Extensions are the tail of a query or of a result: HUGE, XML, GGEP. Items are separated by 0x1C, by NUL in old queries.
type Extensions struct {
	URNs  []string // as sent, with their "urn:"; "urn:" alone asks for any
	XML   string
	Other []string // anything else, such as the bit rate in very old hits
	GGEP  ggep.Blocks
}

// separator stands between two items.
const separator = 0x1C

func parseExtensions(b []byte) Extensions {
	var x Extensions
	var text []byte
	text, x.GGEP = ggep.Cut(b)
	for item := range bytes.FieldsFuncSeq(text, func(r rune) bool { return r == separator || r == 0 }) {
		switch s := string(item); {
		case len(s) >= 4 && strings.EqualFold(s[:4], "urn:"):
			x.URNs = append(x.URNs, s)
		case s[0] == '<' || s[0] == '{':
			x.XML = s
		default:
			x.Other = append(x.Other, s)
		}
	}
	return x
}

// Append writes the extensions, GGEP last and without NUL. The error is [ErrInvalid] for an item that holds a separator, or
// one of ggep.
func (x Extensions) Append(b []byte) ([]byte, error) {
	items := append(append([]string{}, x.URNs...), x.Other...)
	if x.XML != "" {
		items = append(items, x.XML)
	}
	out := b
	for i, item := range items {
		if strings.ContainsAny(item, "\x00\x1c") {
			return b, fmt.Errorf("write extension %q: %w", item, ErrInvalid)
		}
		if i > 0 {
			out = append(out, separator)
		}
		out = append(out, item...)
	}
	if len(items) > 0 && len(x.GGEP) > 0 {
		out = append(out, separator)
	}
	out, err := ggep.AppendNULFree(out, x.GGEP...)
	if err != nil {
		return b, err
	}
	return out, nil
}
