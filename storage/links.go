package storage

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"gnucensus/sql"
)

// Links are what one host told of itself in one conversation: it is linked to some hosts. Hosts are numbered from 1 to
// [Size].Endpoints.
type Links struct {
	From   int32
	To     []int32 // in the order of the list; valid until the next Links
	Leaves bool    // leaves of its own; else ultrapeers
}

// Links calls f for every list of links that a snapshot held when it had a size. It stops at the first error of f and returns
// it.
func (db *DB) Links(ctx context.Context, id int64, at Size, f func(Links) error) error {
	args := pgx.NamedArgs{"snapshot": id, "observations": at.Observations}
	rows, err := db.pool.Query(ctx, sql.Query("links"), args)
	if err != nil {
		return fmt.Errorf("read links of snapshot %d: %w", id, err)
	}
	var l Links
	_, err = pgx.ForEachRow(rows, []any{&l.From, &l.To, &l.Leaves}, func() error { return f(l) })
	if err != nil {
		return fmt.Errorf("read links of snapshot %d: %w", id, err)
	}
	return nil
}

// Edges calls f for every link of a snapshot, directed, as often as it was told: host a says that it is linked to host b.
// Hosts are numbered from 1 to [Coverage].Heard. It stops at the first error of f and returns it.
func (db *DB) Edges(ctx context.Context, id int64, f func(a, b int32) error) error {
	return db.Links(ctx, id, Size{Observations: math.MaxInt32}, func(l Links) error {
		for _, to := range l.To {
			if err := f(l.From, to); err != nil {
				return err
			}
		}
		return nil
	})
}
