package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/jackc/pgx/v5"

	"gnucensus/probe"
	"gnucensus/sql"
)

// maxFreshAgents bounds the agents that are looked up at once.
const maxFreshAgents = 10_000

// ImportSnapshot stores a snapshot that another database held, in one transaction, and returns its number here. Its number
// there, and how many hosts it heard of, have no meaning and are not read; Source names the file that it comes from.
//
// rows gives the rows of a table, in an order that is the same each time: it is called twice for observation. A row has the
// columns of the table but snapshot_id, in their order; that of an observation has the agent itself in the place of agent_id,
// and ends before its lists: these are the rows of neighbour and of rumour, with observation_id, relation and endpoints, in the
// order of the observations. Values are as the columns need them: an int64, bool, string, time.Time, netip.Addr or [16]byte, or []int64 for a list.
func (db *DB) ImportSnapshot(ctx context.Context, s SnapshotInfo, rows func(table string) iter.Seq2[[]any, error]) (
	id int64, err error) {
	err = transact(ctx, db.pool.Begin, func(tx pgx.Tx) error {
		if id, err = insertImported(ctx, tx, s); err != nil {
			return err
		}
		agents, err := importAgents(ctx, tx, rows(observationTable.name))
		if err != nil {
			return err
		}
		if err := learnWords(ctx, tx); err != nil {
			return err
		}
		stored := map[string]int{}
		for _, t := range []table{endpointTable, observationTable, queryTable, hitTable} {
			read := rows(t.name)
			if t.name == observationTable.name {
				read = listed(keyed(read, agents), rows("neighbour"), rows("rumour"))
			}
			if stored[t.name], err = importTable(ctx, tx, id, t, read); err != nil {
				return err
			}
		}
		if err := growSnapshot(ctx, tx, id, stored[endpointTable.name], stored[observationTable.name]); err != nil {
			return err
		}
		if err := findFault(ctx, tx, id); err != nil {
			return err
		}
		return analyze(ctx, tx)
	})
	if err != nil {
		return 0, fmt.Errorf("import snapshot: %w", err)
	}
	return id, nil
}

func insertImported(ctx context.Context, tx pgx.Tx, s SnapshotInfo) (id int64, err error) {
	configuration := s.Configuration
	if configuration == nil {
		configuration = json.RawMessage("{}")
	}
	err = tx.QueryRow(ctx, sql.Query("insert_imported"), pgx.NamedArgs{
		"network": s.Network, "vantage": s.Vantage, "state": string(s.State), "version": s.Version, "source": s.Source,
		"configuration": configuration, "started": s.Started, "ended": s.Ended,
	}).Scan(&id)
	return id, err
}

// agentColumn is where the row of an observation holds the agent.
var agentColumn = slices.Index(observationTable.columns, "agent_id") - 1

// importAgents stores all agents of the observations and returns their keys.
func importAgents(ctx context.Context, tx pgx.Tx, observations iter.Seq2[[]any, error]) (map[string]int32, error) {
	keys := map[string]int32{}
	var fresh []string
	for row, err := range observations {
		if err != nil {
			return nil, err
		}
		text, named := row[agentColumn].(string)
		text = cleanAgent(text)
		if _, known := keys[text]; !named || known {
			continue
		}
		keys[text] = 0 // until it is stored
		if fresh = append(fresh, text); len(fresh) < maxFreshAgents {
			continue
		}
		if err := addAgents(ctx, tx, fresh, keys); err != nil {
			return nil, err
		}
		fresh = fresh[:0]
	}
	return keys, addAgents(ctx, tx, fresh, keys)
}

// keyed puts the keys of agents in the place of their texts.
func keyed(observations iter.Seq2[[]any, error], keys map[string]int32) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for row, err := range observations {
			if err == nil {
				if text, named := row[agentColumn].(string); named {
					row[agentColumn] = keys[cleanAgent(text)]
				}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// listed adds their lists to observations: first those of links, then those of rumours. All come in the order of the observations.
func listed(observations, links, rumours iter.Seq2[[]any, error]) iter.Seq2[[]any, error] {
	edges := slices.IndexFunc(relations[:], func(r probe.Relation) bool { return !r.Edge() })
	return withLists(withLists(observations, links, relations[:edges]), rumours, relations[edges:])
}

// withLists adds a list, or NULL, for each of some relations.
func withLists(observations, lists iter.Seq2[[]any, error], relations []probe.Relation) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		next, stop := iter.Pull2(lists)
		defer stop()
		list, err, more := next()
		for row, broken := range observations {
			told := make([]any, len(relations))
			for ; broken == nil && more && err == nil && list[0] == row[0]; list, err, more = next() {
				i := slices.Index(relations, probe.Relation(fmt.Sprint(list[1])))
				if i < 0 || told[i] != nil {
					broken = fmt.Errorf("observation %v has a list of %q, not one of each of %q", row[0], list[1], relations)
					break
				}
				told[i] = list[2]
			}
			if !yield(append(row, told...), errors.Join(broken, err)) || err != nil {
				return
			}
		}
		if err == nil && more {
			err = fmt.Errorf("a list of %v is of observation %v, which is not there or not in its place", list[1], list[0])
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// learnWords makes the connection know the enumerations, whose values COPY wants as the server has them.
func learnWords(ctx context.Context, tx pgx.Tx) error {
	for _, name := range []string{"outcome", "role"} {
		enumeration, err := tx.Conn().LoadType(ctx, name)
		if err != nil {
			return fmt.Errorf("look up type %s: %w", name, err)
		}
		tx.Conn().TypeMap().RegisterType(enumeration)
	}
	return nil
}

// importTable stores the rows of a table, and returns how many there were.
func importTable(ctx context.Context, tx pgx.Tx, id int64, t table, rows iter.Seq2[[]any, error]) (int, error) {
	next, stop := iter.Pull2(rows)
	defer stop()
	var broken error // of the source: from the server it would come back as text
	source := pgx.CopyFromFunc(func() ([]any, error) {
		row, err, more := next()
		if broken = err; err != nil || !more {
			return nil, err
		}
		return append([]any{id}, row...), nil
	})
	n, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, source)
	if broken != nil {
		return 0, broken
	} else if err != nil {
		return 0, fmt.Errorf("store %s: %w", t.name, err)
	}
	return int(n), nil
}

// analyze has the server look at the new rows, so that the first report has good plans. Within the transaction: an import that is
// stopped meanwhile leaves nothing behind, and one that says that it failed did not take place.
func analyze(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, sql.Query("analyze")); err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	return nil
}

// findFault refuses a snapshot whose parts do not fit together.
func findFault(ctx context.Context, tx pgx.Tx, id int64) error {
	var fault string
	err := tx.QueryRow(ctx, sql.Query("import_fault"), pgx.NamedArgs{"snapshot": id}).Scan(&fault)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for faults: %w", err)
	}
	return errors.New(fault)
}
