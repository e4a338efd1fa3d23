package reports

import (
	"cmp"

	"gnucensus/reports/graph"
	"gnucensus/storage"
)

// hear takes the word of a host on the roles of those that it lists: what it calls its leaf is one; what is only ever called a
// peer is an ultrapeer. A host that does not tell its own role is not believed.
func (t *topology) hear(l storage.Links) {
	if t.ownRoles[l.From-1] == "" {
		return
	}
	for _, to := range l.To {
		switch {
		case l.Leaves:
			t.toldRoles[to-1] = "leaf"
		case t.toldRoles[to-1] == "":
			t.toldRoles[to-1] = "ultrapeer"
		}
	}
}

// ofLeaves tells whether links are between an ultrapeer and a leaf: an ultrapeer lists them as such, or a leaf lists them at all.
func (t *topology) ofLeaves(l storage.Links) bool {
	return l.Leaves || t.ownRoles[l.From-1] == "leaf"
}

// hostLinks is what the views report.told_role and report.degree tell of each host.
func (t *topology) hostLinks() storage.HostLinks {
	h := storage.HostLinks{
		ToldRoles: t.toldRoles, Peers: make([]int32, t.Hosts()), Leaves: make([]int32, t.Hosts()), Edges: t.Edges(),
	}
	for v := range int32(t.Hosts()) {
		h.Leaves[v] = int32(t.leafLinks.Degree(v))
		h.Peers[v] = int32(t.Degree(v)) - h.Leaves[v]
	}
	return h
}

// roles is a character for each host, by its own word or else that of its neighbours.
func (t *topology) roles() []byte {
	roles := make([]byte, len(t.ownRoles))
	for v, own := range t.ownRoles {
		roles[v] = cmp.Or(own, t.toldRoles[v], "?")[0]
	}
	return roles
}

func addLinks(b *graph.Builder, l storage.Links) error {
	for _, to := range l.To {
		if err := b.Add(l.From-1, to-1); err != nil {
			return err
		}
	}
	return nil
}
