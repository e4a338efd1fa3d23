// Package storage keeps snapshots in PostgreSQL and reads them back.
//
// A [DB] is a pool of connections. [DB.Begin] or [DB.Resume] gives a [Snapshot], which takes what a crawl observes, batch by
// batch, each in one transaction: it is stored whole or not at all. What is derived from the facts is in the views of schema
// report, read by [DB.Select]; what SQL cannot derive goes over [DB.Links] to the graph code and back by [DB.StoreMeasures] and
// [DB.KeepHosts].
//
// The schema is in package sql. Facts are inserted and never updated; only the state of a snapshot is.
package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// cancelGrace is how long a server has to stop a statement whose context ended, before its connection is given up.
	cancelGrace = 5 * time.Second
	// settleTime bounds the COMMIT or ROLLBACK of a transaction whose own context may have ended.
	settleTime = 10 * time.Second
	// connectTime bounds a connection attempt when the URL does not (connect_timeout).
	connectTime = 10 * time.Second
)

// A DB is a database of the census. It is safe for concurrent use.
type DB struct {
	pool  *pgxpool.Pool
	where string // user@host:port/database, for messages
}

// ErrURL says that what should tell where the database is cannot be read: nobody was asked.
var ErrURL = errors.New("read database URL")

// Open connects to the PostgreSQL database that dsn names, a URL or key=value words as libpq takes them; the PG… environment
// variables fill in what is missing. It returns [ErrURL] when dsn is neither, and a *[ConnectError] when the database cannot be
// used: it is out of reach, it refuses us, it is too old, it holds the tables of something else, or a newer gnucensus wrote it.
// An empty database is accepted: [DB.Migrate] makes its tables.
func Open(ctx context.Context, dsn string) (*DB, error) {
	cfg, err := configure(dsn)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db := &DB{pool: pool, where: place(cfg.ConnConfig)}
	if err := db.inspect(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// Close waits for what runs and closes all connections, except those of snapshots.
func (db *DB) Close() { db.pool.Close() }

// String tells where the database is: user, host and name, never the password.
func (db *DB) String() string { return db.where }

func configure(dsn string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURL, err)
	}
	c := cfg.ConnConfig
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTime
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "gnucensus"
	}
	c.RuntimeParams["search_path"] = "public" // where the migrations put the tables
	c.RuntimeParams["timezone"] = "UTC"       // so that a report prints the same everywhere
	// The views are deep: compiling them takes longer than most answers, and parallel workers would each derive them anew.
	c.RuntimeParams["jit"] = "off"
	c.RuntimeParams["max_parallel_workers_per_gather"] = "0"
	c.RuntimeParams["work_mem"] = "32MB" // what a view of a million hosts wants for its hash tables
	// When a context ends, the server is told to stop, and the connection lives on.
	c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelGrace}
	}
	return cfg, nil
}

func place(c *pgx.ConnConfig) string {
	return fmt.Sprintf("%s@%s:%d/%s", c.User, c.Host, c.Port, c.Database)
}

// transact runs f in a transaction that begin opens: committed when f returns nil, rolled back otherwise. COMMIT and ROLLBACK
// have a short time of their own, so that a context that ends cannot leave it open whether the transaction took place.
func transact(ctx context.Context, begin func(context.Context) (pgx.Tx, error), f func(pgx.Tx) error) error {
	tx, err := begin(ctx)
	if err != nil {
		return err
	}
	err = f(tx)
	settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	if err == nil {
		return tx.Commit(settle)
	}
	_ = tx.Rollback(settle) // f's error is the cause
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("%w (%w)", ctx.Err(), err)
	}
	return err
}
