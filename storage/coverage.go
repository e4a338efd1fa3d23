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
	Heard         int64  // seeds, neighbours and rumours; responders of hits do not count
	Visited       int64  // an outcome is known
	Reached       int64  // spoke to us
	Ultrapeers    *int64 // by their own word or that of a neighbour, visited or not; nil: no role was told of any host
	Leaves        *int64 // likewise
	FilesMeasured int64  // told how many files they share
	Rumours       int64  // heard of by rumour
	Edges         int64  // distinct undirected links told by at least one end
	Queries       int64
	Hits          int64
	Observations  int64
}

// Coverage counts what a snapshot holds, as report.coverage does; [ErrNoSnapshot] when it does not exist. SQL needs minutes for a
// million hosts that are not kept, so these are read and counted here.
func (db *DB) Coverage(ctx context.Context, id int64) (c Coverage, err error) {
	args := pgx.NamedArgs{"snapshot": id}
	err = transact(ctx, db.beginReading, func(tx pgx.Tx) error {
		var kept bool
		err := tx.QueryRow(ctx, sql.Query("tally"), args).Scan(&c.Heard, &c.Observations, &c.Queries, &c.Hits, &kept)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNoSnapshot
		}
		if err != nil {
			return err
		}
		if !kept {
			return c.count(ctx, tx, args)
		}
		rows, err := tx.Query(ctx, sql.Query("coverage"), args)
		if err != nil {
			return err
		}
		c, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Coverage])
		return err
	})
	if err != nil {
		return Coverage{}, fmt.Errorf("read coverage of snapshot %d: %w", id, err)
	}
	return c, nil
}

// count counts hosts and links. Whose word on the roles of others counts, only all conversations tell, so lists are read after them.
func (c *Coverage) count(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	t := tally{hosts: make([]standing, c.Heard+1)}
	if err := t.readConversations(ctx, tx, args); err != nil {
		return err
	}
	if err := t.readLists(ctx, tx, args); err != nil {
		return err
	}
	var roles [ultrapeer + 1]int64 // hosts by role; 0: not told
	for _, h := range t.hosts {
		c.Visited += one(h.met > 0)
		c.Reached += one(h.met == spoke)
		c.FilesMeasured += one(h.measured)
		c.Rumours += one(h.rumoured)
		role := h.role
		if role == 0 {
			role = h.told
		}
		roles[role]++
	}
	if roles[leaf]+roles[ultrapeer] > 0 {
		c.Leaves, c.Ultrapeers = &roles[leaf], &roles[ultrapeer]
	}
	slices.Sort(t.links)
	c.Edges = int64(len(slices.Compact(t.links)))
	return nil
}

// A tally is what the conversations of a snapshot give together.
type tally struct {
	hosts []standing // by number, from 1
	links []uint64   // both ends, the lower above the higher, as often as they were told
}

// A standing is what is known of a host.
type standing struct {
	met, role          uint8 // as the query conversations tells them
	told               uint8 // role by the word of its neighbours
	measured, rumoured bool
}

// Roles and ways of meeting, as the queries conversations and visits write them.
const (
	leaf      = 1
	ultrapeer = 2
	spoke     = 2
)

func (t *tally) readConversations(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	rows, err := tx.Query(ctx, sql.Query("conversations"), args)
	if err != nil {
		return err
	}
	var host int32
	var met, role uint8
	var measured bool
	var links, all int
	_, err = pgx.ForEachRow(rows, []any{&host, &met, &role, &measured, &links}, func() error {
		h := &t.hosts[host]
		h.met, h.role, h.measured = max(h.met, met), max(h.role, role), h.measured || measured
		all += links
		return nil
	})
	t.links = make([]uint64, 0, all)
	return err
}

func (t *tally) readLists(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) error {
	rows, err := tx.Query(ctx, sql.Query("lists"), args)
	if err != nil {
		return err
	}
	var from int32
	var peers, leaves, rumours []int32
	_, err = pgx.ForEachRow(rows, []any{&from, &peers, &leaves, &rumours}, func() error {
		t.link(from, peers, ultrapeer)
		t.link(from, leaves, leaf)
		for _, to := range rumours {
			t.hosts[to].rumoured = true
		}
		return nil
	})
	return err
}

// link takes a list of links to hosts of some role. Who does not tell its own role is not believed; who is called a leaf is one,
// whatever others say (report.told_role).
func (t *tally) link(from int32, list []int32, role uint8) {
	believed := t.hosts[from].role != 0
	for _, to := range list {
		if h := &t.hosts[to]; believed && h.told != leaf {
			h.told = role
		}
		if to != from {
			t.links = append(t.links, uint64(min(from, to))<<32|uint64(max(from, to)))
		}
	}
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
