// Package cluster runs the private PostgreSQL that keeps a census when no other database is named.
//
// A data directory holds
//
//	pg/             the database cluster, as initdb made it
//	socket/         the server's unix socket, when the path is fit for one (else a folder elsewhere, see socketDir)
//	server.log      what the server said since it started; server.log.1 is the run before
//	gnucensus.lock  the gate, and the mark that the directory is ours
//	users.lock      the shares
//	server.lock     the life of the server
//	keep            is there when the server stays up after the last share is dropped
//	spool/          what crawls have seen while their database was away (package spool)
//
// Three locks (flock) order the processes that use it. None outlives its holders, so a kill leaves none behind.
//
//   - The gate is held by whoever makes the cluster, starts the server or stops it, from before it looks until it is done. An
//     initdb inherits it: when its starter is killed, the next one waits for it to end before it clears what it left.
//   - A share is held by every open Cluster. Who can turn its share into an exclusive lock is the last one out.
//   - The server's lock is inherited by the server and by every process that it forks, so it is held exactly as long as one
//     of them lives. This, and no pid file, says whether a server runs, and whether all of a killed one has ended. A process
//     number in a pid file is only signalled when the process has shown that it is the server.
//
// # Who may enter
//
// The server listens on the unix socket only and trusts whoever connects. What guards it is the socket's folder and the
// database's, both of mode 0700 and owned by the server's account: that account may enter, root may, and nobody else.
// There is one role, gnucensus, a superuser. A server that root starts runs as user postgres where there is one, else
// as the user who called sudo, else as nobody; what runs as nobody for other services can then enter too.
//
// # Durability
//
// A row that was committed is on disk: fsync and synchronous_commit are on. Only initdb runs without syncing; its files
// are synced together before the new cluster gets its name.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// The database in the cluster, its superuser, and the port, which on a unix socket is only part of a file's name.
const (
	database = "gnucensus"
	role     = "gnucensus"
	port     = "5432"
)

// closePatience bounds how long Close waits for the gate and for the server to end.
const closePatience = time.Minute

// ErrInUse reports that a process has a share in the server, so that Stop left it running. It is no longer kept: it ends
// with the last share.
var ErrInUse = errors.New("the database is in use by another gnucensus process; the server stops when that ends")

// Config says where the cluster lives and what runs it.
type Config struct {
	Dir      string       // data directory; empty: DefaultDir
	Programs string       // folder that holds initdb and postgres; empty: GNUCENSUS_PGBIN, else found
	Log      *slog.Logger // nil: discard
}

// Cluster is a share in a running server.
type Cluster struct {
	place  *place
	users  *os.File        // the share; nil when dropped
	server *exec.Cmd       // the server, when it is our child
	dsn    string          //
	after  context.Context // what Close works under: the values of Open's context without its end
}

// Open makes the cluster if need be, starts its server or joins the one that runs, and takes a share in it. When it
// returns, the database exists and takes connections. It may wait: for another process that starts or stops the server,
// for the processes of a killed server to end, for recovery after a crash; ctx bounds that.
//
// Errors that carry facts are *ProgramsError and *VersionError. Nothing that is in the directory is ever deleted but
// what an interrupted Open left half-made.
func Open(ctx context.Context, cfg Config) (*Cluster, error) {
	p, err := makePlace(cfg)
	if err != nil {
		return nil, err
	}
	gate, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer gate.Close()
	c := &Cluster{place: p, after: context.WithoutCancel(ctx)}
	if c.users, err = p.openLock(usersLock); err != nil {
		return nil, err
	}
	if err := waitLock(ctx, c.users, syscall.LOCK_SH); err != nil {
		c.users.Close()
		return nil, fmt.Errorf("take a share in %s: %w", p.dir, err)
	}
	if err := c.serve(ctx, gate); err != nil {
		return nil, errors.Join(err, c.leave())
	}
	return c, nil
}

// serve makes the cluster where there is none, and sees to it that the server answers. The caller holds the gate.
func (c *Cluster) serve(ctx context.Context, gate *os.File) error {
	made, err := c.place.made()
	if err != nil {
		return err
	}
	if !made {
		if err := c.place.make(ctx, gate); err != nil {
			return err
		}
	}
	return c.await(ctx)
}

// DSN is the connection string of the database, which pgx and psql both take.
func (c *Cluster) DSN() string { return c.dsn }

// Dir is the data directory, absolute.
func (c *Cluster) Dir() string { return c.place.dir }

// Keep lets the server stay up after the last share is dropped, until Stop. It holds for this run of the server.
func (c *Cluster) Keep() error {
	f, err := os.OpenFile(c.place.path(keepFile), os.O_CREATE|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("keep the server: %w", err)
	}
	return errors.Join(c.place.give(f), f.Close())
}

// Close drops the share. The last one out stops the server and waits until it has ended, unless it is kept. A second
// Close does nothing.
func (c *Cluster) Close() error {
	if c.users == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.after, closePatience)
	defer cancel()
	gate, err := c.place.enter(ctx)
	if err != nil {
		err = errors.Join(err, c.users.Close())
		c.users = nil
		return err
	}
	defer gate.Close()
	return c.leave()
}

// leave drops the share and stops the server when it was the last one. The caller holds the gate.
func (c *Cluster) leave() error {
	users := c.users
	c.users = nil
	defer users.Close()
	if c.server != nil {
		defer c.server.Process.Release()
	}
	last, err := tryLock(users, syscall.LOCK_EX)
	if err != nil || !last || c.place.has(keepFile) {
		return err
	}
	ctx, cancel := context.WithTimeout(c.after, closePatience)
	defer cancel()
	if err := c.place.stop(ctx); err != nil {
		return err
	}
	if c.server != nil {
		_ = c.server.Wait() // it has ended: this only takes its exit status, which says nothing that the log does not
	}
	return nil
}

// State is what Status sees.
type State struct {
	Dir     string // data directory, absolute
	Version int    // major version of the PostgreSQL that made the cluster; 0: none is made
	Running bool   // processes of the server are alive
	Kept    bool   // the server that runs stays up until Stop
	Used    bool   // another process has a share in the server, or takes or drops one just now
	PID     int    // of the server; 0: none answers
	DSN     string // how to reach it; "": none answers
	Log     string // path of the server's log

	Programs string // version and folder of what would make the cluster or start its server; "": none is found
	Refusal  error  // why none is: a *ProgramsError or a *VersionError
}

// Status tells what is in the data directory, and changes nothing.
func Status(ctx context.Context, cfg Config) (State, error) {
	p, err := findPlace(cfg)
	if err != nil {
		return State{}, err
	}
	s := State{Dir: p.dir, Log: p.path(logFile)}
	made, err := p.made()
	if err == nil && made {
		s.Version, err = p.version()
	}
	if err != nil {
		return s, err
	}
	progs, err := findPrograms(ctx, p.programs, p.path(pgName), s.Version)
	if ctx.Err() != nil {
		return s, context.Cause(ctx)
	}
	if s.Refusal = err; err == nil {
		s.Programs = progs.String()
	}
	if !made {
		return s, nil
	}
	if s.Used, err = p.used(); err != nil {
		return s, err
	}
	if s.Running, err = p.held(serverLock, syscall.LOCK_SH); err != nil || !s.Running {
		return s, err
	}
	s.Kept = p.has(keepFile)
	if m, err := p.answering(ctx); err == nil {
		s.PID, s.DSN = m.pid, dsn(m.socket, database)
	}
	return s, nil
}

// Stop stops the server, kept or not, and waits until it has ended. It leaves the server alone while a process has a
// share in it, and returns ErrInUse. That none runs is no error.
func Stop(ctx context.Context, cfg Config) error {
	p, err := findPlace(cfg)
	if err != nil {
		return err
	}
	if made, err := p.made(); err != nil || !made {
		return err
	}
	gate, err := p.enter(ctx)
	if err != nil {
		return err
	}
	defer gate.Close()
	if err := os.Remove(p.path(keepFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("stop the server: %w", err)
	}
	users, err := p.openLock(usersLock)
	if err != nil {
		return err
	}
	defer users.Close()
	last, err := tryLock(users, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	if !last {
		return ErrInUse
	}
	return p.stop(ctx)
}
