package library

import (
	"math"
	"net/netip"

	"gnucensus/servent/ggep"
	"gnucensus/servent/message"
	"gnucensus/servent/urn"
)

// indexAll is the text of a query that asks for all files.
const indexAll = "    "

// maxAlternates is how many alternate sources a result names.
const maxAlternates = 10

// Answer returns results for at most limit files that a query asks for ("QUERY" in "Gnutella overlay messages"): the files
// whose hashes it names, whatever its words; all files when its text is four blanks; else those that [Library.Match]. They are
// for hosts of the network in which an address is.
func (l *Library) Answer(q *message.Query, limit int, to netip.Addr) []message.Result {
	var results []message.Result
	for _, m := range l.answer(q, limit) {
		results = append(results, l.Result(m, q.Flags, to))
	}
	return results
}

func (l *Library) answer(q *message.Query, limit int) []Match {
	var matches []Match
	exact := false
	for _, name := range q.Extensions().URNs {
		u, err := urn.Parse(name)
		if err != nil || u.SHA1 == nil {
			continue
		}
		exact = true
		if m, ok := l.BySHA1(*u.SHA1); ok && len(matches) < limit {
			matches = append(matches, m)
		}
	}
	if exact {
		return matches
	}
	if q.Words == indexAll {
		for m := range l.All() {
			if len(matches) >= limit {
				break
			}
			matches = append(matches, m)
		}
		return matches
	}
	return l.Match(q.Text(), limit)
}

// Result makes the result of a QUERY HIT for a file ("QUERY HIT" in "Gnutella overlay messages"). The hashes are in GGEP H
// when the flags of the query say that its sender reads it, else in a urn:sha1 and GGEP TT. Sizes from 2 GiB on are in GGEP
// LF, the time of the last change, for want of that of creation, in CT, alternate sources in ALT, which are for hosts of the
// network in which an address is.
func (l *Library) Result(m Match, flags uint16, to netip.Addr) message.Result {
	r := message.Result{Index: m.Index, Size: uint32(min(m.Size, math.MaxUint32)), Name: m.Name}
	var x message.Extensions
	if u := m.URN; u.SHA1 != nil && u.Tiger != nil {
		if flags&message.QueryH != 0 {
			x.GGEP = append(x.GGEP, ggep.H(ggep.Hash{Kind: ggep.Bitprint, Sum: append(u.SHA1[:], u.Tiger[:]...)}))
		} else {
			x.URNs = []string{urn.URN{SHA1: u.SHA1}.String()}
			x.GGEP = append(x.GGEP, ggep.TT(*u.Tiger))
		}
	}
	if m.Size > math.MaxInt32 {
		r.Size = math.MaxUint32
		x.GGEP = append(x.GGEP, ggep.LF(m.Size))
	}
	if !m.Modified.IsZero() {
		x.GGEP = append(x.GGEP, ggep.CT(m.Modified))
	}
	if m.URN.SHA1 != nil {
		x.GGEP = append(x.GGEP, l.alternates(*m.URN.SHA1, to)...)
	}
	r.Tail, _ = x.Append(nil) // the blocks above are neither too many nor too long
	return r
}

func (l *Library) alternates(file urn.SHA1, to netip.Addr) []ggep.Block {
	if l == nil {
		return nil
	}
	var hosts []ggep.Host
	for _, addr := range l.cfg.Mesh.Find(file, to, maxAlternates) {
		hosts = append(hosts, ggep.Host{Addr: addr})
	}
	return ggep.ALT(hosts...)
}
