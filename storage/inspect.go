package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"

	"gnucensus/sql"
)

// oldestServer is the first version of PostgreSQL that has all that the statements use, as server_version_num.
const oldestServer = 130000

// A ConnectError says why a database cannot be used, and what to do about it.
type ConnectError struct {
	Where  string // user@host:port/database
	Reason string // what is wrong and what to do
	Err    error  // cause; nil when the server answered and we do not like the answer
}

func (e *ConnectError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("use database %s: %s", e.Where, e.Reason)
	}
	return fmt.Sprintf("use database %s: %s: %v", e.Where, e.Reason, cause(e.Err))
}

func (e *ConnectError) Unwrap() error { return e.Err }

// An inspection is what a look at a server and a database finds.
type inspection struct {
	Server  int      // version of PostgreSQL, as server_version_num
	Release string   // the same for people
	Ours    bool     // gnucensus has migrated it
	Tables  []string // some of its tables and views, by name
	Schema  int64    // version of the newest migration; 0 if it is not ours
}

// inspect refuses a server that does not answer, and a server or a database that is not for us.
func (db *DB) inspect(ctx context.Context) error {
	known, err := newestMigration()
	if err != nil {
		return err
	}
	var s inspection
	err = db.pool.QueryRow(ctx, sql.Query("inspect")).Scan(&s.Server, &s.Release, &s.Ours, &s.Tables)
	if err == nil && s.Ours {
		err = db.pool.QueryRow(ctx, sql.Query("schema_version")).Scan(&s.Schema)
	}
	if err != nil {
		return &ConnectError{Where: db.where, Reason: reason(err), Err: err}
	}
	if objection := s.objection(known); objection != "" {
		return &ConnectError{Where: db.where, Reason: objection}
	}
	return nil
}

// objection says why the database is not for a program that knows migrations up to known; "" if it is.
func (s inspection) objection(known int64) string {
	switch {
	case s.Server < oldestServer:
		return fmt.Sprintf("the server is PostgreSQL %s and gnucensus needs version %d or newer", s.Release, oldestServer/10000)
	case !s.Ours && len(s.Tables) > 0:
		return fmt.Sprintf("it holds the tables of something else (%s): make a database for gnucensus alone (createdb) "+
			"and name that", strings.Join(s.Tables, ", "))
	case s.Schema > known:
		return fmt.Sprintf("its schema is version %d and this gnucensus knows versions up to %d: use the newer gnucensus "+
			"that wrote it", s.Schema, known)
	}
	return ""
}

func newestMigration() (int64, error) {
	names, err := fs.Glob(sql.Files, "migrations/*.sql")
	if err != nil {
		return 0, fmt.Errorf("list migrations: %w", err)
	}
	var newest int64
	for _, name := range names {
		n, err := goose.NumericComponent(path.Base(name))
		if err != nil {
			return 0, fmt.Errorf("read version of migration %s: %w", name, err)
		}
		newest = max(newest, n)
	}
	return newest, nil
}

// reason says in words what kept us from the database.
func reason(err error) string {
	var pg *pgconn.PgError
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &pg):
		return refusal(pg)
	case errors.As(err, &dns):
		return "its host name is not known: check the spelling"
	case errors.Is(err, os.ErrNotExist):
		return "there is no server socket at that path: is the server running?"
	case errors.Is(err, context.Canceled):
		return "stopped while connecting"
	case pgconn.Timeout(err), errors.Is(err, context.DeadlineExceeded):
		return "the server does not answer: check host, port and firewall"
	case errors.As(err, &op):
		return "the server cannot be reached: is it running, and are host and port right?"
	}
	return "connecting did not succeed"
}

// What a server can object to (PostgreSQL, "Error Codes").
const (
	invalidAuthorization = "28000"
	invalidPassword      = "28P01"
	noSuchDatabase       = "3D000"
	notPermitted         = "42501"
	diskFull             = "53100"
	tooManyConnections   = "53300"
	lockNotAvailable     = "55P03"
	cannotConnectNow     = "57P03"
)

// hasCode tells whether err is what the server calls code.
func hasCode(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}

// DiskFull tells whether err is that of a server whose disk is full.
func DiskFull(err error) bool { return hasCode(err, diskFull) }

// refusal explains the errors of a server that answers but does not let us in.
func refusal(pg *pgconn.PgError) string {
	switch pg.Code {
	case invalidPassword, invalidAuthorization:
		return "the server does not accept this user and password (URL, PGUSER, PGPASSWORD or ~/.pgpass)"
	case noSuchDatabase:
		return "there is no such database: make it with createdb, or correct the name"
	case notPermitted:
		return "this user may not do that: let it own the database (ALTER DATABASE … OWNER TO …)"
	case tooManyConnections:
		return "the server has no connection to spare"
	case cannotConnectNow:
		return "the server is starting up or shutting down: try again in a moment"
	}
	return "the server refuses"
}

// cause finds the one line that matters below the layers of a connection error, which repeats itself for each address tried.
func cause(err error) error {
	var pg *pgconn.PgError
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &pg):
		return pg
	case errors.As(err, &dns):
		return dns
	case errors.As(err, &op):
		return op
	}
	return err
}
