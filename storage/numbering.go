package storage

import (
	"maps"
	"net/netip"
)

// A key is an address and a port without pointers, so that the garbage collector passes over a map of a million of them. An
// IPv4 address is in its v4-mapped form, so both spellings are one host; a zone has no meaning elsewhere and is dropped.
type key struct {
	addr [16]byte
	port uint16
}

func keyOf(a netip.AddrPort) key { return key{a.Addr().As16(), a.Port()} }

// netip returns the address as it is stored: IPv4 unmapped.
func (k key) netip() netip.Addr { return netip.AddrFrom16(k.addr).Unmap() }

// A numbering gives endpoints and observations of one snapshot their numbers, from 1 without gaps, and knows the keys of the
// agents met. It holds what is committed; a batch numbers its news in a draft, which joins it after the commit.
type numbering struct {
	endpoints    map[key]int32
	agents       map[string]int32
	observations int32 // the last number given
}

func newNumbering() numbering {
	return numbering{endpoints: map[key]int32{}, agents: map[string]int32{}}
}

// A draft is what a batch adds to a numbering.
type draft struct {
	base         *numbering
	endpoints    map[key]int32
	heard        []key // the new endpoints, in the order of their numbers
	agents       map[string]int32
	observations int32 // how many
}

func newDraft(base *numbering) *draft {
	return &draft{base: base, endpoints: map[key]int32{}, agents: map[string]int32{}}
}

// endpoint returns the number of an endpoint, a new one if nobody has heard of it.
func (d *draft) endpoint(k key) int32 {
	if id, ok := d.base.endpoints[k]; ok {
		return id
	}
	if id, ok := d.endpoints[k]; ok {
		return id
	}
	d.heard = append(d.heard, k)
	id := int32(len(d.base.endpoints) + len(d.heard))
	d.endpoints[k] = id
	return id
}

// observation returns the number of one more observation.
func (d *draft) observation() int32 {
	d.observations++
	return d.base.observations + d.observations
}

// agent returns the key of an agent.
func (d *draft) agent(text string) (id int32, ok bool) {
	if id, ok = d.base.agents[text]; !ok {
		id, ok = d.agents[text]
	}
	return id, ok
}

// commit makes the draft part of the numbering.
func (d *draft) commit() {
	maps.Copy(d.base.endpoints, d.endpoints)
	maps.Copy(d.base.agents, d.agents)
	d.base.observations += d.observations
}
