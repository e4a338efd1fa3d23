// Package cluster runs the private PostgreSQL that keeps a census when no other database is named.
package cluster

import (
	"context"
	"errors"
	"log/slog"
)

// Config says where the cluster lives and what runs it.
type Config struct {
	Dir      string       // data directory; empty: DefaultDir
	Programs string       // folder that holds initdb and postgres; empty: found
	Log      *slog.Logger // nil: discard
}

// State is what Status sees.
type State struct {
	Dir     string // data directory, absolute
	Made    bool   // a database has been made in it
	Version string // major version of PostgreSQL that made it, "" when Made is false
	Running bool   // server processes are alive
	Kept    bool   // Keep was called for the server that runs
	PID     int    // of the server; 0 when it does not run
	DSN     string // how to reach it; "" when it does not run
	Log     string // path of the server's log
}

// Cluster is a share in a running server.
type Cluster struct{ dsn string }

// DefaultDir is the data directory of whoever runs this process.
func DefaultDir() (string, error) { return "", errors.ErrUnsupported }

// Open makes the cluster if need be, starts its server or joins the one that runs, and takes a share in it.
func Open(ctx context.Context, cfg Config) (*Cluster, error) { return nil, errors.ErrUnsupported }

// DSN is the connection string of the database, which pgx and psql both take.
func (c *Cluster) DSN() string { return c.dsn }

// Close drops the share; the last one out stops the server, unless it is kept.
func (c *Cluster) Close() error { return nil }

// Keep lets the server stay up after the last share is dropped, until Stop.
func (c *Cluster) Keep() error { return errors.ErrUnsupported }

// Status tells what is in the data directory, and changes nothing.
func Status(ctx context.Context, cfg Config) (State, error) { return State{}, errors.ErrUnsupported }

// Stop stops the server, kept or not, unless a process has a share in it (ErrInUse).
func Stop(ctx context.Context, cfg Config) error { return errors.ErrUnsupported }

// ErrInUse reports that a process has a share in the server, so Stop left it running; it is no longer kept.
var ErrInUse = errors.New("the database is in use by another gnucensus process")
