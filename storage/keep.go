package storage

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"gnucensus/sql"
)

// HostLinks is what the links of a snapshot say of its hosts: the views report.told_role and report.degree, which SQL needs
// minutes to derive from millions of links. Each list has a value for each host, in the order of their numbers.
type HostLinks struct {
	ToldRoles     []string // by the word of their neighbours; empty: nobody told
	Peers, Leaves []int32  // links of each kind
	Edges         int      // in all
}

// HostsKept tells whether the hosts of a snapshot are kept, by this version of the code, as they are now. The views report.visit,
// report.host and report.degree then read them, and are fast.
func (db *DB) HostsKept(ctx context.Context, id int64, version string) (kept bool, err error) {
	args := pgx.NamedArgs{"snapshot": id, "version": version}
	if err := db.pool.QueryRow(ctx, sql.Query("hosts_kept"), args).Scan(&kept); err != nil {
		return false, fmt.Errorf("look for hosts of snapshot %d: %w", id, err)
	}
	return kept, nil
}

// KeepHosts keeps the hosts of a snapshot. Visits and links are those of all its endpoints, when it had a size; the links were
// computed by the given version of the code.
func (db *DB) KeepHosts(ctx context.Context, id int64, version string, at Size, visits *Visits, links HostLinks) error {
	args := pgx.NamedArgs{
		"snapshot": id, "version": version, "endpoints": at.Endpoints, "observations": at.Observations, "edges": links.Edges,
	}
	err := transact(ctx, db.pool.Begin, func(tx pgx.Tx) error {
		for _, statement := range []string{"lock_kept", "forget_hosts", "keep_snapshot"} {
			if _, err := tx.Exec(ctx, sql.Query(statement), args); err != nil {
				return err
			}
		}
		return storeHosts(ctx, tx, id, visits, links)
	})
	if err != nil {
		return fmt.Errorf("keep hosts of snapshot %d: %w", id, err)
	}
	if _, err := db.pool.Exec(ctx, sql.Query("analyze_kept")); err != nil {
		return fmt.Errorf("analyze hosts of snapshot %d: %w", id, err)
	}
	return nil
}

var keptHostTable = table{"report.kept_host", []string{"snapshot_id", "endpoint_id", "tried", "rank", "agent_id", "own_role",
	"role", "files", "kib", "uptime_s", "degree", "peers", "leaves"}}

// storeHosts sends a row for each host.
func storeHosts(ctx context.Context, tx pgx.Tx, id int64, visits *Visits, links HostLinks) error {
	c := newCopying(&keptHostTable)
	for i := range visits.hosts {
		v := &visits.hosts[i]
		c.row()
		c.int64(id)
		c.int32(int32(i + 1))
		c.bool(&v.tried)
		c.known(v.rank)
		c.known(v.agent)
		c.optional(roleName(v.role))
		c.optional(cmp.Or(roleName(v.role), links.ToldRoles[i]))
		c.count(&v.files)
		c.count(&v.kib)
		c.known(v.uptime)
		for _, n := range [...]int32{links.Peers[i] + links.Leaves[i], links.Peers[i], links.Leaves[i]} {
			if n == 0 && !v.listed {
				n = -1 // nobody told of any
			}
			c.known(n)
		}
		if c.rows == importRows {
			if err := c.store(ctx, tx); err != nil {
				return err
			}
			c.rows = 0
		}
	}
	return c.store(ctx, tx)
}
