package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"gnucensus/sql"
)

// Coverage says how much of what a snapshot heard of was seen. All but the last four are numbers of hosts.
type Coverage struct {
	Heard         int64 // seeds, neighbours and rumours; responders of hits do not count
	Visited       int64 // an outcome is known
	Reached       int64 // spoke to us
	Ultrapeers    int64 // by their own word or that of a neighbour, visited or not
	Leaves        int64 // likewise
	FilesMeasured int64 // told how many files they share
	Rumours       int64 // heard of by rumour
	Edges         int64 // distinct undirected links told by at least one end
	Queries       int64
	Hits          int64
	Observations  int64
}

// Coverage counts what a snapshot holds, as report.coverage does; [ErrNoSnapshot] when it does not exist. SQL needs minutes for the
// links of a million hosts that are not kept, so these are read and counted here.
func (db *DB) Coverage(ctx context.Context, id int64) (c Coverage, err error) {
	args := pgx.NamedArgs{"snapshot": id}
	err = transact(ctx, db.beginReading, func(tx pgx.Tx) error {
		var told int
		var kept bool
		err := tx.QueryRow(ctx, sql.Query("tally"), args).
			Scan(&c.Heard, &c.Observations, &c.Queries, &c.Hits, &told, &kept)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return ErrNoSnapshot
		case err != nil:
			return err
		case kept:
			rows, err := tx.Query(ctx, sql.Query("coverage"), args)
			if err != nil {
				return err
			}
			c, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Coverage])
			return err
		}
		t := newTally(int(c.Heard), told)
		if err := t.read(ctx, tx, args, &c); err != nil {
			return err
		}
		t.count(&c)
		return nil
	})
	if err != nil {
		return Coverage{}, fmt.Errorf("read coverage of snapshot %d: %w", id, err)
	}
	return c, nil
}

// A tally is what lists tell of hosts, which are numbered from 1.
type tally struct {
	own, told []role // of each host, by its own word and by that of its neighbours
	rumoured  []bool
	links     []uint64 // both ends, the lower above the higher, as often as they were told
}

// A role of a host is a byte where there are millions.
type role uint8

const (
	unknown role = iota
	leaf
	ultrapeer
)

// newTally makes room for hosts, and for links as they were told.
func newTally(hosts, told int) *tally {
	return &tally{
		own: make([]role, hosts+1), told: make([]role, hosts+1), rumoured: make([]bool, hosts+1),
		links: make([]uint64, 0, told),
	}
}

// read counts visits, then reads all lists: whose word counts, the visits tell.
func (t *tally) read(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs, c *Coverage) error {
	rows, err := tx.Query(ctx, sql.Query("visits"), args)
	if err != nil {
		return err
	}
	var host int32
	var visited, reached, measured bool
	var own uint8
	_, err = pgx.ForEachRow(rows, []any{&host, &visited, &reached, &measured, &own}, func() error {
		c.Visited += one(visited)
		c.Reached += one(reached)
		c.FilesMeasured += one(measured)
		t.own[host] = role(own)
		return nil
	})
	if err != nil {
		return err
	}
	rows, err = tx.Query(ctx, sql.Query("lists"), args)
	if err != nil {
		return err
	}
	var to []int32
	var leaves, rumour bool
	_, err = pgx.ForEachRow(rows, []any{&host, &to, &leaves, &rumour}, func() error {
		if rumour {
			t.passOn(to)
		} else {
			t.link(host, to, leaves)
		}
		return nil
	})
	return err
}

func (t *tally) passOn(hosts []int32) {
	for _, h := range hosts {
		t.rumoured[h] = true
	}
}

// link takes a list of links. Who calls another its leaf, or its peer, is believed when it tells its own role: see the views
// report.told_role and report.edge.
func (t *tally) link(from int32, to []int32, leaves bool) {
	for _, h := range to {
		switch {
		case t.own[from] == unknown:
		case leaves:
			t.told[h] = leaf
		case t.told[h] == unknown:
			t.told[h] = ultrapeer
		}
		if h != from {
			t.links = append(t.links, uint64(min(from, h))<<32|uint64(max(from, h)))
		}
	}
}

func (t *tally) count(c *Coverage) {
	for i, r := range t.own {
		if r == unknown {
			r = t.told[i]
		}
		c.Ultrapeers += one(r == ultrapeer)
		c.Leaves += one(r == leaf)
		c.Rumours += one(t.rumoured[i])
	}
	slices.Sort(t.links)
	c.Edges = int64(len(slices.Compact(t.links)))
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
