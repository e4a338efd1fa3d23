package message

import (
	"encoding/binary"

	"gnucensus/servent/internal/cursor"
)

// horizonLen is the size of one horizon in bytes.
const horizonLen = 24

// An HSEP tells how much is within reach of its sender, by distance ("horizon size estimation protocol"). Cycles in the
// overlay are counted again and again, so it is no estimate of the population.
//
//	0   24  within one link: hosts, files, KiB, 8 bytes each
//	24  24  within two links
//	…   …   and so on
type HSEP struct {
	Horizons []Horizon // at least one
	Tail     []byte    // what is left of a horizon that is cut off
}

// A Horizon is what is within some number of links; each holds all nearer ones.
type Horizon struct{ Hosts, Files, KiB uint64 }

// Type returns [TypeHSEP].
func (h *HSEP) Type() Type { return TypeHSEP }

// Append writes the payload.
func (h *HSEP) Append(b []byte) []byte {
	for _, z := range h.Horizons {
		b = binary.LittleEndian.AppendUint64(b, z.Hosts)
		b = binary.LittleEndian.AppendUint64(b, z.Files)
		b = binary.LittleEndian.AppendUint64(b, z.KiB)
	}
	return append(b, h.Tail...)
}

func parseHSEP(c *cursor.Cursor) *HSEP {
	h := &HSEP{Horizons: make([]Horizon, 0, c.Len()/horizonLen)}
	for len(h.Horizons) == 0 || c.Len() >= horizonLen {
		b := c.Bytes("horizon", horizonLen)
		if b == nil {
			return h
		}
		h.Horizons = append(h.Horizons, Horizon{
			Hosts: binary.LittleEndian.Uint64(b),
			Files: binary.LittleEndian.Uint64(b[8:]),
			KiB:   binary.LittleEndian.Uint64(b[16:]),
		})
	}
	h.Tail = clone(c.Rest())
	return h
}
