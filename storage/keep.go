package storage

import (
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

// KeepHosts derives the hosts of a snapshot and keeps them. The links were computed by the given version of the code; the
// snapshot had the given size when the computation began, and there is a value for each of its endpoints.
func (db *DB) KeepHosts(ctx context.Context, id int64, version string, at Size, links HostLinks) error {
	args := pgx.NamedArgs{
		"snapshot": id, "version": version, "endpoints": at.Endpoints, "observations": at.Observations,
		"told_roles": links.ToldRoles, "peers": links.Peers, "leaves": links.Leaves, "edges": links.Edges,
	}
	err := transact(ctx, db.pool.Begin, func(tx pgx.Tx) error {
		for _, statement := range []string{"lock_kept", "forget_hosts", "keep_hosts", "keep_snapshot"} {
			if _, err := tx.Exec(ctx, sql.Query(statement), args); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep hosts of snapshot %d: %w", id, err)
	}
	if _, err := db.pool.Exec(ctx, sql.Query("analyze_kept")); err != nil {
		return fmt.Errorf("analyze hosts of snapshot %d: %w", id, err)
	}
	return nil
}
