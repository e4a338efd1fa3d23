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
	err := s.write(ctx, func(tx pgx.Tx) error {
		if err := s.storeAgents(ctx, tx, obs); err != nil {
			return err
		}
		for i := range obs {
			if err := s.add(&obs[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record observations: %w", err)
	}
	return nil
}

// Hear stores endpoints that were named before the walk began: its seeds.
func (s *Snapshot) Hear(ctx context.Context, seeds []probe.Endpoint) error {
	err := s.write(ctx, func(pgx.Tx) error {
		for _, e := range seeds {
			if _, err := s.hear(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record seeds: %w", err)
	}
	return nil
}

// write stores the batch that prepare makes, and the endpoints that it heard of, in one transaction.
func (s *Snapshot) write(ctx context.Context, prepare func(pgx.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batch.reset()
	err := transact(ctx, s.conn.Begin, func(tx pgx.Tx) error {
		if err := prepare(tx); err != nil {
			return err
		}
		s.addEndpoints()
		if err := s.batch.store(ctx, tx); err != nil {
			return err
		}
		return growSnapshot(ctx, tx, s.id, s.number.endpoints.Len(), int(s.number.observations))
	})
	if err != nil {
		s.number.rollback()
		return s.explain(err)
	}
	s.number.commit()
	return nil
}

// growSnapshot notes how much a snapshot holds now.
func growSnapshot(ctx context.Context, tx pgx.Tx, id int64, endpoints, observations int) error {
	args := pgx.NamedArgs{"snapshot": id, "endpoints": endpoints, "observations": observations}
	if _, err := tx.Exec(ctx, sql.Query("grow_snapshot"), args); err != nil {
		return fmt.Errorf("note size: %w", err)
	}
	return nil
}

// storeAgents learns the keys of all agents in obs.
func (s *Snapshot) storeAgents(ctx context.Context, tx pgx.Tx, obs []probe.Observation) error {
	var fresh []string
	for i := range obs {
		text := cleanAgent(obs[i].Agent)
		if _, known := s.number.agents[text]; text != "" && !known {
			fresh = append(fresh, text)
		}
	}
	keys := map[string]int32{}
	if err := addAgents(ctx, tx, fresh, keys); err != nil {
		return err
	}
	s.number.learn(keys)
	return nil
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
