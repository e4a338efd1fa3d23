package reports

import (
	"context"
	"math"
	"slices"
	"strings"

	"gnucensus/reports/graph"
	"gnucensus/sql"
	"gnucensus/storage"
)

// needsCensus stands among the needs of a report for the measures that queries/census_measures.sql computes.
const needsCensus = "census"

// Keep derives what all reports and figures need of the hosts of a snapshot, and keeps it: of a million hosts that takes long and
// much memory, and is best done once, when the snapshot is complete. Reports keep what is not kept. What this version of the
// code has kept stays, unless the snapshot has grown since. [storage.ErrNoSnapshot] when there is no such snapshot.
func Keep(ctx context.Context, db *storage.DB, snapshot int64, version string) error {
	_, err := keep(ctx, db, snapshot, version, nil, nil)
	return err
}

// A Sharer computes more of a graph that was read to measure it. Visited and roles are by host: u, l or ? where nobody told.
type Sharer func(g *graph.Measured, visited []bool, roles []byte) error

// KeepAll keeps what Keep keeps and what any report needs besides. The graph is read once for all, where each report by itself
// would read it again; if it is read at all, share sees it too.
func KeepAll(ctx context.Context, db *storage.DB, snapshot int64, version string, share Sharer) error {
	var needs []string
	for _, d := range definitions() {
		needs = append(needs, d.needs...)
	}
	_, err := keep(ctx, db, snapshot, version, needs, share)
	return err
}

// keep keeps hosts, and the measures that a report needs, by the first part of their names. It returns the size that the snapshot
// had before: what it gains meanwhile makes stale what is stored.
func keep(ctx context.Context, db *storage.DB, snapshot int64, version string, needs []string, share Sharer) (
	at storage.Size, err error,
) {
	if at, err = db.Size(ctx, snapshot); err != nil {
		return at, err
	}
	kept, err := db.Measures(ctx, snapshot, version, needs...)
	if err != nil {
		return at, err
	}
	k := keeper{db: db, snapshot: snapshot, version: version, at: at, share: share}
	if err := k.graph(ctx, missingMeasures(kept, needs)); err != nil {
		return at, err
	}
	isCensus := func(m storage.Measure) bool { return strings.HasPrefix(m.Name, needsCensus+".") }
	if slices.Contains(needs, needsCensus) && !slices.ContainsFunc(kept, isCensus) {
		return at, k.census(ctx)
	}
	return at, nil
}

// missingMeasures returns the measures of the graph that are needed and not kept.
func missingMeasures(kept []storage.Measure, needs []string) (missing []measure) {
	for _, m := range measures {
		thing, _, _ := strings.Cut(m.name, ".")
		isKept := slices.ContainsFunc(kept, func(k storage.Measure) bool { return k.Name == m.name })
		if !isKept && slices.Contains(needs, thing) {
			missing = append(missing, m)
		}
	}
	return missing
}

// A keeper stores what is computed of one snapshot.
type keeper struct {
	db       *storage.DB
	snapshot int64
	version  string
	at       storage.Size
	share    Sharer // nil: nobody else
}

// graph keeps what the links tell: hosts, and measures.
func (k *keeper) graph(ctx context.Context, missing []measure) error {
	kept, err := k.db.HostsKept(ctx, k.snapshot, k.version)
	if err != nil || kept && len(missing) == 0 {
		return err
	}
	t, err := readTopology(ctx, k.db, k.snapshot, k.at)
	if err != nil {
		return err
	}
	if !kept {
		if err := k.db.KeepHosts(ctx, k.snapshot, k.version, k.at, t.visits, t.hostLinks()); err != nil {
			return err
		}
	}
	computed, err := compute(missing, t)
	if err != nil {
		return err
	}
	if err := k.db.StoreMeasures(ctx, k.snapshot, k.version, k.at, computed); err != nil || k.share == nil {
		return err
	}
	return k.share(t.Measured, t.visited, t.roles())
}

// census keeps the measures that are counted in SQL.
func (k *keeper) census(ctx context.Context) error {
	rows, err := k.db.Select(ctx, sql.Query("census_measures"), k.snapshot)
	if err != nil {
		return err
	}
	var computed []storage.Measure
	for _, row := range rows.Values {
		m := storage.Measure{}
		m.Name, _ = row[0].(string)
		if value, exists := row[1].(float64); exists {
			m.Value = &value
		}
		m.Method, _ = row[2].(string)
		computed = append(computed, m)
	}
	return k.db.StoreMeasures(ctx, k.snapshot, k.version, k.at, computed)
}

func compute(missing []measure, t *topology) ([]storage.Measure, error) {
	var computed []storage.Measure
	for _, m := range missing {
		value := m.compute(t)
		if t.err != nil {
			return nil, t.err
		}
		k := storage.Measure{Name: m.name, Method: m.method}
		if !math.IsNaN(value) {
			k.Value = &value
		}
		computed = append(computed, k)
	}
	return computed, nil
}
