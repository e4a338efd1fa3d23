package storage

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/jackc/pgx/v5"

	"gnucensus/sql"
)

// A Reader reads the database as it was at one moment, whatever is written meanwhile, and row by row: it is for answers that
// do not fit in memory.
type Reader struct{ tx pgx.Tx }

// Read calls f with a reader, which is of no use after f has returned.
func (db *DB) Read(ctx context.Context, f func(*Reader) error) error {
	return transact(ctx, db.beginReading, func(tx pgx.Tx) error { return f(&Reader{tx}) })
}

// beginReading opens a transaction that cannot write and that sees one state of the database.
func (db *DB) beginReading(ctx context.Context) (pgx.Tx, error) {
	return db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
}

// Snapshot describes a snapshot; [ErrNoSnapshot] when it does not exist.
func (r *Reader) Snapshot(ctx context.Context, id int64) (SnapshotInfo, error) {
	rows, err := r.tx.Query(ctx, sql.Query("snapshots"))
	if err != nil {
		return SnapshotInfo{}, fmt.Errorf("find snapshot %d: %w", id, err)
	}
	infos, err := pgx.CollectRows(rows, pgx.RowToStructByPos[SnapshotInfo])
	if err != nil {
		return SnapshotInfo{}, fmt.Errorf("find snapshot %d: %w", id, err)
	}
	i := slices.IndexFunc(infos, func(s SnapshotInfo) bool { return s.ID == id })
	if i < 0 {
		return SnapshotInfo{}, fmt.Errorf("find snapshot %d: %w", id, ErrNoSnapshot)
	}
	return infos[i], nil
}

// Rows yields the rows of one statement, with values of the types that [Rows] lists. It stops after the first error. Only one
// statement can be read at a time. Who stops before the last row has the server stop too, and the reader is of no use any more.
func (r *Reader) Rows(ctx context.Context, statement string, args ...any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		rows, err := r.tx.Query(ctx, statement, args...)
		defer rows.Close() // it reads what is left, so that the server must be stopped before
		defer stop()
		if err != nil {
			yield(nil, fmt.Errorf("read rows: %w", err))
			return
		}
		for rows.Next() {
			values, err := rowValues(rows)
			if err != nil {
				yield(nil, fmt.Errorf("read rows: %w", err))
				return
			}
			if !yield(values, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, fmt.Errorf("read rows: %w", err))
		}
	}
}
