package storage

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/jackc/pgx/v5"

	"gnucensus/probe"
	"gnucensus/sql"
)

// Ultrapeers returns at most n hosts of a snapshot through which queries may be asked: they answered, and say that they are
// ultrapeers. Those through which queries were answered before come first. The others are drawn by lot, by a hash of address
// and snapshot: spread over the network, and the same each time.
func (db *DB) Ultrapeers(ctx context.Context, id int64, n int) ([]probe.Endpoint, error) {
	if _, err := db.pool.Exec(ctx, sql.Query("analyze")); err != nil { // a crawl has just written the rows
		return nil, fmt.Errorf("analyze snapshot %d: %w", id, err)
	}
	rows, err := db.pool.Query(ctx, sql.Query("ultrapeers"), pgx.NamedArgs{"snapshot": id, "limit": n})
	if err != nil {
		return nil, fmt.Errorf("read ultrapeers of snapshot %d: %w", id, err)
	}
	ultrapeers, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (probe.Endpoint, error) {
		var network string
		var addr netip.Addr
		var port uint16
		err := row.Scan(&network, &addr, &port)
		return probe.Endpoint{Network: probe.Network(network), Addr: netip.AddrPortFrom(addr, port)}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read ultrapeers of snapshot %d: %w", id, err)
	}
	return ultrapeers, nil
}

// Asked returns the words of the queries of a snapshot that were answered, by the host through which they were asked.
func (db *DB) Asked(ctx context.Context, id int64) (map[probe.Endpoint][]string, error) {
	rows, err := db.pool.Query(ctx, sql.Query("asked"), pgx.NamedArgs{"snapshot": id})
	if err != nil {
		return nil, fmt.Errorf("read queries of snapshot %d: %w", id, err)
	}
	asked := make(map[probe.Endpoint][]string)
	var network, words string
	var addr netip.Addr
	var port uint16
	_, err = pgx.ForEachRow(rows, []any{&network, &addr, &port, &words}, func() error {
		via := probe.Endpoint{Network: probe.Network(network), Addr: netip.AddrPortFrom(addr, port)}
		asked[via] = append(asked[via], words)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read queries of snapshot %d: %w", id, err)
	}
	return asked, nil
}
