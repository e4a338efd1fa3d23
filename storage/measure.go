package storage

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"gnucensus/sql"
)

// A Measure is a statistic of a snapshot that SQL cannot compute.
type Measure struct {
	Name   string   // dotted: largest_component.hosts
	Value  *float64 // nil: it does not exist for this graph
	Method string   // how it was computed, in words
}

// Measures returns the measures that this version of the code has stored for a snapshot, by name. Those that were computed
// when the snapshot held other observations than now are left out.
func (db *DB) Measures(ctx context.Context, id int64, version string) ([]Measure, error) {
	rows, err := db.pool.Query(ctx, sql.Query("measures"), pgx.NamedArgs{"snapshot": id, "version": version})
	if err != nil {
		return nil, fmt.Errorf("read measures of snapshot %d: %w", id, err)
	}
	measures, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Measure])
	if err != nil {
		return nil, fmt.Errorf("read measures of snapshot %d: %w", id, err)
	}
	return measures, nil
}

// StoreMeasures keeps measures of a snapshot, computed by the given version of the code from the observations that the
// snapshot holds now, in place of older ones of the same version and name.
func (db *DB) StoreMeasures(ctx context.Context, id int64, version string, measures []Measure) error {
	names, methods := make([]string, len(measures)), make([]string, len(measures))
	values := make([]*float64, len(measures))
	for i, m := range measures {
		names[i], values[i], methods[i] = m.Name, m.Value, m.Method
	}
	_, err := db.pool.Exec(ctx, sql.Query("store_measures"), pgx.NamedArgs{
		"snapshot": id, "version": version, "names": names, "values": values, "methods": methods,
	})
	if err != nil {
		return fmt.Errorf("store measures of snapshot %d: %w", id, err)
	}
	return nil
}
