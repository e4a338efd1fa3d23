package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"gnucensus/sql"
)

// A State is what became of a snapshot.
type State string

// The states of a snapshot. The database knows the first three; Killed is seen by the lock that nobody holds.
const (
	StateRunning     State = "running"     // a process is writing it now
	StateComplete    State = "complete"    // nothing was left to visit
	StateInterrupted State = "interrupted" // stopped in good order; can be resumed
	StateKilled      State = "killed"      // its process or its connection ended without a word; can be resumed
)

// A SnapshotInfo describes a snapshot without reading its observations.
type SnapshotInfo struct {
	ID            int64
	State         State
	Network       string
	Vantage       string
	Version       string
	Source        string // file of an import; empty for a crawl
	Configuration json.RawMessage
	Started       time.Time
	Ended         *time.Time // nil when it did not end in good order, or has not ended
	Heard         int64      // hosts
}

// Snapshots lists all snapshots, oldest first.
func (db *DB) Snapshots(ctx context.Context) ([]SnapshotInfo, error) {
	rows, err := db.pool.Query(ctx, sql.Query("snapshots"))
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	infos, err := pgx.CollectRows(rows, pgx.RowToStructByPos[SnapshotInfo])
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	return infos, nil
}

// Latest returns the newest snapshot, [ErrNoSnapshot] when there is none.
func (db *DB) Latest(ctx context.Context) (int64, error) {
	var id *int64
	if err := db.pool.QueryRow(ctx, sql.Query("latest")).Scan(&id); err != nil {
		return 0, fmt.Errorf("find latest snapshot: %w", err)
	}
	if id == nil {
		return 0, fmt.Errorf("find latest snapshot: %w", ErrNoSnapshot)
	}
	return *id, nil
}

// Delete removes a snapshot and all that belongs to it. It returns [ErrNoSnapshot], or [ErrBusy] when its crawler is alive.
func (db *DB) Delete(ctx context.Context, id int64) error {
	args := pgx.NamedArgs{"snapshot": id}
	err := transact(ctx, db.pool.Begin, func(tx pgx.Tx) error {
		var free bool
		if err := tx.QueryRow(ctx, sql.Query("lock_deletion"), args).Scan(&free); err != nil {
			return err
		}
		if !free {
			return ErrBusy
		}
		tag, err := tx.Exec(ctx, sql.Query("delete_snapshot"), args)
		if err == nil && tag.RowsAffected() == 0 {
			return ErrNoSnapshot
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delete snapshot %d: %w", id, err)
	}
	return nil
}
