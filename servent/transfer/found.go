package transfer

import (
	"net/netip"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
	"gnucensus/servent/urn"
)

// A Place is where a file is to be had: a source, and how it is reached.
type Place struct {
	Source
	Walled  bool             // it is behind a firewall: it must be called by PUSH
	Proxies []netip.AddrPort // its push proxies
}

// String returns the address of a source, or the GUID of one that is known by that alone.
func (s Source) String() string {
	if s.Addr.IsValid() {
		return s.Addr.String()
	}
	return "servent " + s.Servent.String()
}

// A Found is a file that a host has told of.
type Found struct {
	Place
	URN  urn.URN // the hashes that were told
	Size *uint64 // bytes; nil: not told
}

// Magnet returns the link to the file, at the place where it was found. A place that a link cannot name is left out.
func (f Found) Magnet() Magnet {
	m := Magnet{URN: f.URN, Name: f.Name, Size: f.Size}
	if f.URN.SHA1 != nil {
		m.Places = []Place{f.Place}
	}
	return m
}

// List returns the files of a hit.
func List(hit *message.QueryHit) []Found {
	place := Place{Source: Source{Addr: hit.Addr, Servent: hit.Servent}}
	if trailer, ok := hit.QHD(); ok {
		push := trailer.Flags().Push
		place.Walled = push != nil && *push
		for _, proxy := range trailer.GGEP().PUSH() {
			place.Proxies = append(place.Proxies, proxy.Addr)
		}
	}
	found := make([]Found, len(hit.Results))
	for i := range hit.Results {
		r := &hit.Results[i]
		size := r.Bytes()
		found[i] = Found{Place: place, URN: hashes(r), Size: &size}
		found[i].Index, found[i].Name = r.Index, r.Name
	}
	return found
}

// hashes returns those of a result, in any of the ways in which they are told.
func hashes(r *message.Result) (u urn.URN) {
	x := r.Extensions()
	for _, name := range x.URNs {
		u = addHashes(u, name)
	}
	if name, ok := x.GGEP.URN(); ok {
		u = addHashes(u, "urn:"+name)
	}
	if h, ok := x.GGEP.H(); ok {
		if sum, ok := h.SHA1(); ok && u.SHA1 == nil {
			u.SHA1 = (*urn.SHA1)(&sum)
			if rest := h.Sum[len(sum):]; h.Kind == ggep.Bitprint && len(rest) == len(urn.Tiger{}) {
				root := urn.Tiger(rest)
				u.Tiger = &root
			}
		}
	}
	if root, ok := x.GGEP.TT(); ok && u.Tiger == nil {
		u.Tiger = (*urn.Tiger)(&root)
	}
	return u
}

// addHashes adds the hashes of a name to those that are known.
func addHashes(u urn.URN, name string) urn.URN {
	more, err := urn.Parse(name)
	if err != nil {
		return u
	}
	if u.SHA1 == nil {
		u.SHA1 = more.SHA1
	}
	if u.Tiger == nil {
		u.Tiger = more.Tiger
	}
	return u
}
