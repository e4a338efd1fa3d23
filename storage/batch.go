package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"gnucensus/probe"
)

// errNoAddress is a mistake of the caller: an address from the wire may be strange, but it is one.
var errNoAddress = errors.New("endpoint has no address")

// A table is one of the tables that hold what a snapshot saw. The first of its columns is the snapshot.
type table struct {
	name    string
	columns []string
}

var endpointTable = table{"endpoint", []string{"snapshot_id", "endpoint_id", "addr", "port", "name"}}

var observationTable = table{"observation", []string{"snapshot_id", "observation_id", "endpoint_id", "method", "outcome",
	"started", "took_us", "detail", "agent_id", "role", "files", "kib", "uptime_s", "fields"}}

// factTables are the tables that observations fill, each after those that it refers to.
var factTables = []table{
	observationTable,
	{"neighbour", []string{"snapshot_id", "observation_id", "relation", "endpoints"}},
	{"rumour", []string{"snapshot_id", "observation_id", "relation", "endpoints"}},
	{"query", []string{"snapshot_id", "observation_id", "words"}},
	{"hit", []string{"snapshot_id", "observation_id", "hit_id", "addr", "port", "servent", "delay_us", "hops", "results",
		"vendor", "firewalled"}},
}

// A batch is the rows that a set of observations adds, by table.
type batch struct {
	observations, neighbours, rumours, queries, hits [][]any
}

// copy stores the rows.
func (b *batch) copy(ctx context.Context, tx pgx.Tx) error {
	rows := [][][]any{b.observations, b.neighbours, b.rumours, b.queries, b.hits} // as in factTables
	for i, t := range factTables {
		row := func(j int) ([]any, error) { return rows[i][j], nil }
		if err := copyRows(ctx, tx, t.name, t.columns, len(rows[i]), row); err != nil {
			return err
		}
	}
	return nil
}

// batch turns observations into rows and gives them and all that they name their numbers.
func (s *Snapshot) batch(d *draft, obs []probe.Observation) (*batch, error) {
	b := &batch{}
	for i := range obs {
		if err := s.add(b, d, &obs[i]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (s *Snapshot) add(b *batch, d *draft, o *probe.Observation) error {
	endpoint, err := s.hear(d, o.Endpoint)
	if err != nil {
		return err
	}
	fields, err := fieldsJSON(o.Fields)
	if err != nil {
		return err
	}
	id := d.observation()
	var agent *int32
	if key, ok := d.agent(cleanAgent(o.Agent)); ok {
		agent = &key
	}
	b.observations = append(b.observations, []any{
		s.id, id, endpoint, string(o.Method), string(o.Outcome), o.Started, o.Took.Microseconds(),
		nullable(clean(o.Detail)), agent, nullable(string(o.Role)), count(o.Files), count(o.KiB), seconds(o.Uptime), fields,
	})
	if err := s.addLists(b, d, id, o.Peers); err != nil {
		return err
	}
	if o.Method == probe.Query {
		b.queries = append(b.queries, []any{s.id, id, clean(o.Query)})
	}
	for i, h := range o.Hits {
		if err := s.check(h.Responder); err != nil {
			return fmt.Errorf("responder of a hit: %w", err)
		}
		at := keyOf(h.Responder.Addr)
		b.hits = append(b.hits, []any{
			s.id, id, int32(i + 1), at.netip(), int32(at.port), h.Servent, h.Delay.Microseconds(), int16(h.Hops), h.Results,
			nullable(clean(h.Vendor)), h.Firewalled,
		})
	}
	return nil
}

// addLists adds one row for each relation in which peers were named.
func (s *Snapshot) addLists(b *batch, d *draft, observation int32, peers []probe.Peer) error {
	var relations []probe.Relation // in the order of appearance
	lists := map[probe.Relation][]int32{}
	for _, p := range peers {
		id, err := s.hear(d, p.Endpoint)
		if err != nil {
			return fmt.Errorf("peer: %w", err)
		}
		if _, ok := lists[p.Relation]; !ok {
			relations = append(relations, p.Relation)
		}
		lists[p.Relation] = append(lists[p.Relation], id)
	}
	for _, relation := range relations {
		row := []any{s.id, observation, string(relation), distinct(lists[relation])}
		if relation.Edge() {
			b.neighbours = append(b.neighbours, row)
		} else {
			b.rumours = append(b.rumours, row)
		}
	}
	return nil
}

// hear returns the number of an endpoint.
func (s *Snapshot) hear(d *draft, e probe.Endpoint) (int32, error) {
	if err := s.check(e); err != nil {
		return 0, err
	}
	return d.endpoint(keyOf(e.Addr)), nil
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

// distinct removes what was in the list before, and keeps the order.
func distinct(ids []int32) []int32 {
	seen := make(map[int32]bool, len(ids))
	return slices.DeleteFunc(ids, func(id int32) bool {
		if seen[id] {
			return true
		}
		seen[id] = true
		return false
	})
}

// count gives NULL for what is not a count.
func count(n *int64) *int64 {
	if n == nil || *n < 0 {
		return nil
	}
	return n
}

func seconds(d *time.Duration) *int64 {
	if d == nil || *d < 0 {
		return nil
	}
	s := int64(*d / time.Second)
	return &s
}

// fieldsJSON gives NULL when there are no fields.
func fieldsJSON(fields map[string]string) ([]byte, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	cleaned := make(map[string]string, len(fields))
	for name, value := range fields {
		cleaned[clean(name)] = clean(value)
	}
	return json.Marshal(cleaned)
}
