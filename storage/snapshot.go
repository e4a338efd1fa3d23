package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/jackc/pgx/v5"

	"gnucensus/probe"
	"gnucensus/sql"
)

// Meta says what a snapshot is a snapshot of.
type Meta struct {
	Network       string          // network that is walked: gnutella
	Vantage       string          // where we measure from, as the researcher calls it
	Version       string          // version of gnucensus
	Source        string          // file that an imported snapshot is read from; empty for a crawl
	Configuration json.RawMessage // flags of the crawl; nil is the empty object
}

// ErrNoSnapshot says that there is no such snapshot, or none at all.
var ErrNoSnapshot = errors.New("no such snapshot")

// ErrBusy says that another process is writing the snapshot.
var ErrBusy = errors.New("another process is writing it")

// ErrNoRoom says that the disk of the database is full. What was to be stored may be stored later.
var ErrNoRoom = errors.New("no room is left on the disk of the database")

// ErrImported says that a snapshot was read from a file, so there is nothing to resume.
var ErrImported = errors.New("it was imported and not crawled")

// A LostError says that the connection to the database broke while a snapshot was being written. The snapshot keeps every
// batch that was committed; the batch at hand may be stored or not, but never in part. This Snapshot is of no use any more:
// [DB.Resume] reads what there is.
type LostError struct {
	Snapshot int64
	Err      error
}

func (e *LostError) Error() string {
	return fmt.Sprintf("snapshot %d keeps all that was committed (to go on: gnucensus snapshot resume %d): "+
		"connection to the database lost: %v", e.Snapshot, e.Snapshot, e.Err)
}

func (e *LostError) Unwrap() error { return e.Err }

// A Snapshot is a snapshot that is being written. It holds one connection of its own, and on it an advisory lock, so that
// there is never a second writer: if the connection breaks, the lock is gone and so is the way to write. Its methods are safe
// for concurrent use and run one at a time.
type Snapshot struct {
	id   int64
	meta Meta

	frontier, visited []probe.Endpoint // as Resume found them

	mu     sync.Mutex
	conn   *pgx.Conn
	hangUp func() // gives up the lock and closes conn
	number numbering
	batch  batch // at hand
}

// Begin makes a new snapshot, in state running.
func (db *DB) Begin(ctx context.Context, m Meta) (*Snapshot, error) {
	s, err := db.snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin snapshot: %w", err)
	}
	s.meta = m
	err = transact(ctx, s.conn.Begin, func(tx pgx.Tx) error {
		id, err := insertSnapshot(ctx, tx, m)
		if err != nil {
			return err
		}
		s.id = id
		_, err = tx.Exec(ctx, sql.Query("lock_snapshot"), pgx.NamedArgs{"snapshot": id})
		return err
	})
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("begin snapshot: %w", err)
	}
	return s, nil
}

// Resume goes on with a snapshot that was interrupted, or whose crawler was killed, or that is complete, and sets its state
// to running. It returns [ErrNoSnapshot], [ErrImported], or [ErrBusy] when its crawler is alive.
func (db *DB) Resume(ctx context.Context, id int64) (*Snapshot, error) {
	s, err := db.snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("resume snapshot %d: %w", id, err)
	}
	s.id = id
	err = transact(ctx, s.conn.Begin, func(tx pgx.Tx) error { return s.load(ctx, tx) })
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("resume snapshot %d: %w", id, err)
	}
	return s, nil
}

// snapshot gives an empty Snapshot with a connection of its own.
func (db *DB) snapshot(ctx context.Context) (*Snapshot, error) {
	conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
	if err != nil {
		return nil, &ConnectError{Where: db.where, Reason: reason(err), Err: err}
	}
	hangUp := func() {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
		defer cancel()
		// A broken connection has nothing to give up; of a closed one the server lets go only a moment later.
		_, _ = conn.Exec(bye, sql.Query("unlock"))
		_ = conn.Close(bye)
	}
	return &Snapshot{conn: conn, hangUp: hangUp, number: newNumbering(), batch: newBatch()}, nil
}

func insertSnapshot(ctx context.Context, tx pgx.Tx, m Meta) (id int64, err error) {
	configuration := m.Configuration
	if configuration == nil {
		configuration = json.RawMessage("{}")
	}
	err = tx.QueryRow(ctx, sql.Query("insert_snapshot"), pgx.NamedArgs{
		"network":       m.Network,
		"vantage":       m.Vantage,
		"version":       m.Version,
		"source":        nullable(m.Source),
		"configuration": configuration,
	}).Scan(&id)
	return id, err
}

// load locks the snapshot, reads what is known of it, and marks it as running.
func (s *Snapshot) load(ctx context.Context, tx pgx.Tx) error {
	args := pgx.NamedArgs{"snapshot": s.id}
	if _, err := tx.Exec(ctx, sql.Query("lock_snapshot"), args); hasCode(err, lockNotAvailable) {
		return ErrBusy
	} else if err != nil {
		return err
	}
	var source *string
	err := tx.QueryRow(ctx, sql.Query("snapshot"), args).Scan(&s.meta.Network, &s.meta.Vantage, &s.meta.Version, &source,
		&s.meta.Configuration, &s.number.observations)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNoSnapshot
	case err != nil:
		return err
	case source != nil:
		return ErrImported
	}
	if _, err := tx.Exec(ctx, sql.Query("reopen_snapshot"), args); err != nil {
		return err
	}
	if err := s.loadEndpoints(ctx, tx); err != nil {
		return fmt.Errorf("read endpoints: %w", err)
	}
	s.number.commit()
	return nil
}

func (s *Snapshot) loadEndpoints(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, sql.Query("progress"), pgx.NamedArgs{"snapshot": s.id})
	if err != nil {
		return err
	}
	return eachProgress(rows, func(id int32, at netip.AddrPort, visited, settled bool) error {
		if s.number.endpoint(at) != id {
			return fmt.Errorf("endpoint %d is not the one with that number in the order of hearing", id)
		}
		e := probe.Endpoint{Network: probe.Network(s.meta.Network), Addr: at}
		switch {
		case visited:
			s.visited = append(s.visited, e)
		case !settled:
			s.frontier = append(s.frontier, e)
		}
		return nil
	})
}

// eachProgress hands over the rows of queries/progress.sql: every endpoint, in the order of hearing, and what is left to do
// about it.
func eachProgress(rows pgx.Rows, take func(id int32, at netip.AddrPort, visited, settled bool) error) error {
	var id int32
	var addr netip.Addr
	var port uint16
	var visited, settled bool
	_, err := pgx.ForEachRow(rows, []any{&id, &addr, &port, &visited, &settled}, func() error {
		return take(id, netip.AddrPortFrom(addr, port), visited, settled)
	})
	return err
}

// Left returns how many hosts of a snapshot are still to be visited: those of [Snapshot.Frontier]. A complete snapshot has some
// where this machine was the limit. The snapshot stays as it is.
func (db *DB) Left(ctx context.Context, id int64) (n int, err error) {
	rows, err := db.pool.Query(ctx, sql.Query("progress"), pgx.NamedArgs{"snapshot": id})
	if err == nil {
		err = eachProgress(rows, func(_ int32, _ netip.AddrPort, visited, settled bool) error {
			if !visited && !settled {
				n++
			}
			return nil
		})
	}
	if err != nil {
		return 0, fmt.Errorf("read what is left of snapshot %d: %w", id, err)
	}
	return n, nil
}

// ID returns the number of the snapshot, as --snapshot takes it.
func (s *Snapshot) ID() int64 { return s.id }

// Observations returns how many observations are stored, by this run and those before.
func (s *Snapshot) Observations() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.number.committed.observations)
}

// Meta returns what the snapshot was begun with.
func (s *Snapshot) Meta() Meta { return s.meta }

// Frontier returns the hosts that [DB.Resume] found still to be visited, in the order in which they were heard of: heard of,
// and never visited, or a conversation of the visit was cut short by us (cancelled, local-limit). A host that the pacer
// declared out of scope is neither here nor in [Snapshot.Visited]: it was not visited, and to ask the pacer again at every
// resume would change nothing.
func (s *Snapshot) Frontier() []probe.Endpoint { return s.frontier }

// Visited returns the hosts that [DB.Resume] found visited: they are not to be visited again in this snapshot.
func (s *Snapshot) Visited() []probe.Endpoint { return s.visited }

// Finish sets the state of the snapshot: complete when nothing was left to visit, else interrupted. It then has the server
// look at the new rows, so that the first report has good plans.
func (s *Snapshot) Finish(ctx context.Context, complete bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := StateInterrupted
	if complete {
		state = StateComplete
	}
	args := pgx.NamedArgs{"snapshot": s.id, "state": state}
	if _, err := s.conn.Exec(ctx, sql.Query("finish_snapshot"), args); err != nil {
		return fmt.Errorf("finish snapshot: %w", s.explain(err))
	}
	if _, err := s.conn.Exec(ctx, sql.Query("analyze")); err != nil {
		return fmt.Errorf("analyze snapshot: %w", s.explain(err))
	}
	return nil
}

// Close gives up the connection and with it the lock. A snapshot that was not finished counts as left by a killed process.
func (s *Snapshot) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangUp()
}

// explain makes a LostError of an error that left the connection unusable, and says what to do about a full disk.
func (s *Snapshot) explain(err error) error {
	switch {
	case s.conn.IsClosed():
		return &LostError{Snapshot: s.id, Err: cause(err)}
	case hasCode(err, diskFull):
		return fmt.Errorf("%w; make some, then: gnucensus snapshot resume %d: %w", ErrNoRoom, s.id, err)
	}
	return err
}
