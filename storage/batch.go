package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"gnucensus/probe"
)

// errNoAddress is a mistake of the caller: an address from the wire may be strange, but it is one.
var errNoAddress = errors.New("endpoint has no address")

// The tables that observations fill.
var (
	endpointTable    = table{"endpoint", []string{"snapshot_id", "endpoint_id", "addr", "port", "name"}}
	observationTable = table{"observation", []string{"snapshot_id", "observation_id", "endpoint_id", "method", "outcome",
		"started", "took_us", "detail", "agent_id", "role", "files", "kib", "uptime_s", "fields",
		"peers", "leaves", "tries", "cached", "contacts", "ponged"}}
	queryTable = table{"query", []string{"snapshot_id", "observation_id", "words"}}
	hitTable   = table{"hit", []string{"snapshot_id", "observation_id", "hit_id", "addr", "port", "servent", "delay_us",
		"hops", "results", "vendor", "firewalled"}}
)

// relations are those of the last columns of an observation, each of which is a list: of links, then of rumours.
var relations = [...]probe.Relation{probe.PeerLink, probe.LeafLink, probe.XTry, probe.Cached, probe.DHTContact, probe.Ponged}

// A batch is the rows that a set of observations adds. Its memory is used again by the next batch.
type batch struct {
	endpoints, observations, queries, hits copying

	lists [len(relations)][]int32 // whom the observation at hand named, each once, by relation
	met   []uint32                // by endpoint: the last list that it was in
	turn  uint32                  // number of the list at hand
}

func newBatch() batch {
	return batch{
		endpoints: newCopying(&endpointTable), observations: newCopying(&observationTable),
		queries: newCopying(&queryTable), hits: newCopying(&hitTable),
	}
}

// tables are those of the batch, each after those that it refers to.
func (b *batch) tables() []*copying {
	return []*copying{&b.endpoints, &b.observations, &b.queries, &b.hits}
}

func (b *batch) reset() {
	for _, c := range b.tables() {
		c.rows = 0
	}
}

// store sends the rows.
func (b *batch) store(ctx context.Context, tx pgx.Tx) error {
	for _, c := range b.tables() {
		if err := c.store(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// addEndpoints adds the rows of those endpoints that are new.
func (s *Snapshot) addEndpoints() {
	c := &s.batch.endpoints
	for id := s.number.committed.endpoints + 1; id <= s.number.endpoints.Len(); id++ {
		at := s.number.endpoints.At(uint32(id))
		c.row()
		c.int32(int32(s.id))
		c.int32(int32(id))
		c.inet(at.Addr())
		c.int32(int32(at.Port()))
		c.null() // name
	}
}

// add turns an observation into rows, and gives it and all that it names their numbers.
func (s *Snapshot) add(o *probe.Observation) error {
	endpoint, err := s.hear(o.Endpoint)
	if err != nil {
		return err
	}
	if err := s.sort(o.Peers); err != nil {
		return err
	}
	id := s.number.observation()
	c := &s.batch.observations
	c.row()
	c.int32(int32(s.id))
	c.int32(id)
	c.int32(endpoint)
	c.text(string(o.Method))
	c.text(string(o.Outcome))
	c.time(o.Started)
	if o.Method.Converses() {
		c.int32(int32(min(o.Took.Microseconds(), math.MaxInt32)))
	} else {
		c.null()
	}
	c.optional(clean(o.Detail))
	if agent, named := s.number.agents[cleanAgent(o.Agent)]; named {
		c.int32(agent)
	} else {
		c.null()
	}
	c.optional(string(o.Role))
	c.count(o.Files)
	c.count(o.KiB)
	c.seconds(o.Uptime)
	c.object(o.Fields)
	for _, l := range s.batch.lists {
		c.list(l)
	}
	if o.Method == probe.Query {
		s.addQuery(id, o.Query)
	}
	return s.addHits(id, o.Hits)
}

// sort makes the lists of an observation.
func (s *Snapshot) sort(peers []probe.Peer) error {
	b := &s.batch
	for i := range b.lists {
		b.lists[i] = b.lists[i][:0]
	}
	for _, p := range peers {
		id, err := s.hear(p.Endpoint)
		if err != nil {
			return fmt.Errorf("peer: %w", err)
		}
		i := slices.Index(relations[:], p.Relation)
		if i < 0 {
			return fmt.Errorf("peer: no list is kept of relation %q", p.Relation)
		}
		b.lists[i] = append(b.lists[i], id)
	}
	for i := range b.lists {
		b.lists[i] = b.distinct(b.lists[i])
	}
	return nil
}

// distinct removes what was in the list before, and keeps the order.
func (b *batch) distinct(ids []int32) []int32 {
	b.turn++
	return slices.DeleteFunc(ids, func(id int32) bool {
		if missing := int(id) + 1 - len(b.met); missing > 0 {
			b.met = append(b.met, make([]uint32, missing)...)
		}
		twice := b.met[id] == b.turn
		b.met[id] = b.turn
		return twice
	})
}

func (s *Snapshot) addQuery(observation int32, words string) {
	c := &s.batch.queries
	c.row()
	c.int64(s.id)
	c.int32(observation)
	c.text(clean(words))
}

func (s *Snapshot) addHits(observation int32, hits []probe.Hit) error {
	c := &s.batch.hits
	for i, h := range hits {
		if err := s.check(h.Responder); err != nil {
			return fmt.Errorf("responder of a hit: %w", err)
		}
		c.row()
		c.int64(s.id)
		c.int32(observation)
		c.int32(int32(i + 1))
		c.inet(h.Responder.Addr.Addr())
		c.int32(int32(h.Responder.Addr.Port()))
		c.uuid(h.Servent)
		c.int64(h.Delay.Microseconds())
		c.int16(int16(h.Hops))
		c.int32(int32(h.Results))
		c.optional(clean(h.Vendor))
		c.bool(h.Firewalled)
	}
	return nil
}

// hear returns the number of an endpoint.
func (s *Snapshot) hear(e probe.Endpoint) (int32, error) {
	if err := s.check(e); err != nil {
		return 0, err
	}
	return s.number.endpoint(e.Addr), nil
}

func (s *Snapshot) check(e probe.Endpoint) error {
	if !e.Addr.IsValid() {
		return errNoAddress
	}
	if string(e.Network) != s.meta.Network {
		return fmt.Errorf("endpoint %s of network %q does not belong in a snapshot of %q", e, e.Network, s.meta.Network)
	}
	return nil
}
