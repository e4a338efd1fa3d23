package lab

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gnucensus/servent"
)

// A Host is one host of a lab.
type Host struct {
	Addr      netip.AddrPort
	Behaviour Behaviour

	// A dead host has none of these.
	Role  servent.Role
	Agent string
	Files uint32
	KiB   uint32           // as a leaf's PONG tells it; an ultrapeer tells the nearest power of two
	Links []netip.AddrPort // by address
}

// WriteTruth writes the truth as CSV, one line a host: addr, role, behaviour, agent, files, kib, links. Links are addresses
// separated by blanks. What a host does not have is empty.
func (n *Net) WriteTruth(w io.Writer) error { return writeTruth(w, slices.Values(n.truth)) }

func writeTruth(w io.Writer, hosts iter.Seq[Host]) error {
	out := csv.NewWriter(w)
	out.Write([]string{"addr", "role", "behaviour", "agent", "files", "kib", "links"}) // its error is the one of Flush
	for h := range hosts {
		files, kib := "", ""
		if h.Behaviour != Dead {
			files, kib = strconv.FormatUint(uint64(h.Files), 10), strconv.FormatUint(uint64(h.KiB), 10)
		}
		links := make([]string, len(h.Links))
		for i, addr := range h.Links {
			links[i] = addr.String()
		}
		out.Write([]string{h.Addr.String(), string(h.Role), string(h.Behaviour), h.Agent, files, kib, strings.Join(links, " ")})
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	return nil
}
