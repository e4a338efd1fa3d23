package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"gnucensus/sql"
)

// A Size is how much a snapshot holds. It never shrinks, so what was computed from a snapshot holds as long as the snapshot
// has the size that it had before the computation began.
type Size struct{ Endpoints, Observations int32 }

// Size returns the size of a snapshot; [ErrNoSnapshot] when it does not exist.
func (db *DB) Size(ctx context.Context, id int64) (s Size, err error) {
	err = db.pool.QueryRow(ctx, sql.Query("size"), pgx.NamedArgs{"snapshot": id}).Scan(&s.Endpoints, &s.Observations)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoSnapshot
	}
	if err != nil {
		return Size{}, fmt.Errorf("read size of snapshot %d: %w", id, err)
	}
	return s, nil
}

// A Measure is a statistic of a snapshot that is kept.
type Measure struct {
	Name   string   // dotted: largest_component.hosts
	Value  *float64 // nil: it does not exist for this snapshot
	Method string   // how it was computed, in words
}

// Measures returns the measures of some things, the first parts of their names, that this version of the code has stored for a
// snapshot, by name. Those that were computed when the snapshot held less than now are left out.
func (db *DB) Measures(ctx context.Context, id int64, version string, things ...string) ([]Measure, error) {
	args := pgx.NamedArgs{"snapshot": id, "version": version, "things": things}
	rows, err := db.pool.Query(ctx, sql.Query("measures"), args)
	if err != nil {
		return nil, fmt.Errorf("read measures of snapshot %d: %w", id, err)
	}
	measures, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Measure])
	if err != nil {
		return nil, fmt.Errorf("read measures of snapshot %d: %w", id, err)
	}
	return measures, nil
}

// StoreMeasures keeps measures of a snapshot in place of older ones of the same version and name. They were computed by the
// given version of the code; the snapshot had the given size when the computation began.
func (db *DB) StoreMeasures(ctx context.Context, id int64, version string, at Size, measures []Measure) error {
	names, methods := make([]string, len(measures)), make([]string, len(measures))
	values := make([]*float64, len(measures))
	for i, m := range measures {
		names[i], values[i], methods[i] = m.Name, m.Value, m.Method
	}
	_, err := db.pool.Exec(ctx, sql.Query("store_measures"), pgx.NamedArgs{
		"snapshot": id, "version": version, "endpoints": at.Endpoints, "observations": at.Observations,
		"names": names, "values": values, "methods": methods,
	})
	if err != nil {
		return fmt.Errorf("store measures of snapshot %d: %w", id, err)
	}
	return nil
}
