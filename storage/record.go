package storage

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"gnucensus/probe"
	"gnucensus/sql"
)

// Record stores a batch of observations with all that they name, in one transaction: whole or not at all. After an error the
// snapshot is as it was before and the batch may be recorded again; but after a *[LostError] only [DB.Resume] helps. NUL and
// invalid UTF-8 are replaced, an agent is cut at 512 bytes, a negative count is taken as not measured.
func (s *Snapshot) Record(ctx context.Context, obs []probe.Observation) error {
	err := s.write(ctx, func(tx pgx.Tx, d *draft) (*batch, error) {
		if err := storeAgents(ctx, tx, d, obs); err != nil {
			return nil, err
		}
		return s.batch(d, obs)
	})
	if err != nil {
		return fmt.Errorf("record observations: %w", err)
	}
	return nil
}

// Hear stores endpoints that were named before the walk began: its seeds.
func (s *Snapshot) Hear(ctx context.Context, seeds []probe.Endpoint) error {
	err := s.write(ctx, func(_ pgx.Tx, d *draft) (*batch, error) {
		for _, e := range seeds {
			if _, err := s.hear(d, e); err != nil {
				return nil, err
			}
		}
		return &batch{}, nil
	})
	if err != nil {
		return fmt.Errorf("record seeds: %w", err)
	}
	return nil
}

// write stores what prepare makes, and the endpoints that it heard of, in one transaction. Memory follows after the commit.
func (s *Snapshot) write(ctx context.Context, prepare func(pgx.Tx, *draft) (*batch, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := newDraft(&s.number)
	err := transact(ctx, s.conn.Begin, func(tx pgx.Tx) error {
		b, err := prepare(tx, d)
		if err != nil {
			return err
		}
		if err := s.copyEndpoints(ctx, tx, d.heard); err != nil {
			return err
		}
		return b.copy(ctx, tx)
	})
	if err != nil {
		return s.explain(err)
	}
	d.commit()
	return nil
}

// storeAgents gives the draft the keys of all agents in obs.
func storeAgents(ctx context.Context, tx pgx.Tx, d *draft, obs []probe.Observation) error {
	var fresh []string
	for _, o := range obs {
		text := cleanAgent(o.Agent)
		if _, known := d.agent(text); text != "" && !known {
			fresh = append(fresh, text)
		}
	}
	return addAgents(ctx, tx, fresh, d.agents)
}

// addAgents stores those agents that are new and puts the keys of all into a map. They are stored in sorted order: two
// writers that store the same new agents wait for each other, and without a common order they could do so for ever.
func addAgents(ctx context.Context, tx pgx.Tx, texts []string, keys map[string]int32) error {
	if len(texts) == 0 {
		return nil
	}
	slices.Sort(texts)
	args := pgx.NamedArgs{"agents": slices.Compact(texts)}
	if _, err := tx.Exec(ctx, sql.Query("insert_agents"), args); err != nil {
		return fmt.Errorf("store agents: %w", err)
	}
	rows, err := tx.Query(ctx, sql.Query("agents"), args)
	if err != nil {
		return fmt.Errorf("read agents: %w", err)
	}
	var id int32
	var text string
	_, err = pgx.ForEachRow(rows, []any{&id, &text}, func() error {
		keys[text] = id
		return nil
	})
	if err != nil {
		return fmt.Errorf("read agents: %w", err)
	}
	return nil
}

// copyEndpoints stores new endpoints, which are numbered from the end of those that are committed.
func (s *Snapshot) copyEndpoints(ctx context.Context, tx pgx.Tx, heard []key) error {
	first := len(s.number.endpoints) + 1
	return copyRows(ctx, tx, "endpoint", []string{"snapshot_id", "endpoint_id", "addr", "port"}, len(heard),
		func(i int) ([]any, error) {
			return []any{s.id, int32(first + i), heard[i].netip(), int32(heard[i].port)}, nil
		})
}

func copyRows(ctx context.Context, tx pgx.Tx, table string, columns []string, n int, row func(i int) ([]any, error)) error {
	if n == 0 {
		return nil
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(n, row)); err != nil {
		return fmt.Errorf("store %s: %w", table, err)
	}
	return nil
}
