package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"gnucensus/probe"
	"gnucensus/sql"
)

// Visits is what all conversations with each host gave together: the views report.visit and report.lister, which SQL needs
// long to derive from millions of conversations.
type Visits struct{ hosts []visit }

// visit is what the conversations with one host gave. A number that is not known is -1.
type visit struct {
	files, kib    int64 // the largest
	uptime        int32 // likewise
	rank          int32 // of the best outcome, as in report.outcome; queries do not count
	agent         int32 // that it named first
	named         int32 // the conversation in which it did
	role          uint8 // ultrapeer if it ever said so
	tried         bool  // there was a conversation
	visited       bool  // the outcome of one is about the host
	listed, whole bool  // it told its links, and all of them as far as is known
}

// Visits reads the conversations that a snapshot held when it had a size.
func (db *DB) Visits(ctx context.Context, id int64, at Size) (*Visits, error) {
	args := pgx.NamedArgs{"snapshot": id, "observations": at.Observations}
	rows, err := db.pool.Query(ctx, sql.Query("visits"), args)
	if err != nil {
		return nil, fmt.Errorf("read visits of snapshot %d: %w", id, err)
	}
	v := newVisits(int(at.Endpoints))
	var host int32
	var c visit // one conversation
	fields := []any{
		&host, &c.named, &c.rank, &c.visited, &c.listed, &c.whole, &c.role, &c.agent, &c.files, &c.kib, &c.uptime,
	}
	_, err = pgx.ForEachRow(rows, fields, func() error {
		v.hosts[host-1].add(c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read visits of snapshot %d: %w", id, err)
	}
	return v, nil
}

func newVisits(hosts int) *Visits {
	v := &Visits{hosts: make([]visit, hosts)}
	for i := range v.hosts {
		v.hosts[i] = visit{files: -1, kib: -1, uptime: -1, rank: -1, agent: -1}
	}
	return v
}

// add takes a conversation.
func (v *visit) add(c visit) {
	v.tried = true
	v.visited = v.visited || c.visited
	v.listed = v.listed || c.listed
	v.whole = v.whole || c.whole
	v.role = max(v.role, c.role)
	v.files, v.kib, v.uptime = max(v.files, c.files), max(v.kib, c.kib), max(v.uptime, c.uptime)
	if c.rank >= 0 && (v.rank < 0 || c.rank < v.rank) {
		v.rank = c.rank
	}
	if c.agent >= 0 && (v.agent < 0 || c.named < v.named) {
		v.agent, v.named = c.agent, c.named
	}
}

// Visited tells of the hosts, in the order of their numbers, whether an outcome is known.
func (v *Visits) Visited() []bool { return v.each(func(h *visit) bool { return h.visited }) }

// Listed tells of the hosts whether they listed their links, be it none.
func (v *Visits) Listed() []bool { return v.each(func(h *visit) bool { return h.listed }) }

// Whole tells of the hosts whether they listed all of their links, as far as is known.
func (v *Visits) Whole() []bool { return v.each(func(h *visit) bool { return h.whole }) }

func (v *Visits) each(is func(*visit) bool) []bool {
	list := make([]bool, len(v.hosts))
	for i := range v.hosts {
		list[i] = is(&v.hosts[i])
	}
	return list
}

// Roles are those that the hosts tell of themselves: ultrapeer, leaf, or empty where they do not.
func (v *Visits) Roles() []string {
	roles := make([]string, len(v.hosts))
	for i := range v.hosts {
		roles[i] = roleName(v.hosts[i].role)
	}
	return roles
}

// roleName is a role as the database spells it, empty where it is not known.
func roleName(role uint8) string {
	switch role {
	case leaf:
		return string(probe.LeafRole)
	case ultrapeer:
		return string(probe.Ultrapeer)
	}
	return ""
}
