package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// quietPatience bounds how long we wait for processes of a server that do not answer. What a killed server left behind
// ends as soon as it notices, which a long statement can delay.
const quietPatience = 30 * time.Second

// await returns when the server answers and the database exists. It starts a server as soon as no process of an earlier
// one lives. The caller holds the gate.
func (c *Cluster) await(ctx context.Context) error {
	heard := time.Now()
	for {
		started, err := c.startIfDead(ctx)
		if err != nil {
			return fmt.Errorf("start the server in %s: %w", c.place.dir, err)
		}
		c.dsn, err = c.place.connect(ctx)
		switch code := sqlState(err); {
		case err == nil:
			return nil
		case started || strings.HasPrefix(code, classBusy):
			heard = time.Now()
		case code != "":
			return fmt.Errorf("open the database in %s: %w", c.place.dir, err)
		case time.Since(heard) > quietPatience:
			return fmt.Errorf("start the server in %s: processes of an earlier one live on and do not answer; "+
				"gnucensus db stop ends them unless they hang: %w",
				c.place.dir, err)
		}
		if err := pause(ctx, poll); err != nil {
			return fmt.Errorf("wait for the server in %s: %w", c.place.dir, err)
		}
	}
}

// startIfDead starts a server when none lives. One that we started and that has ended is not started again.
func (c *Cluster) startIfDead(ctx context.Context) (started bool, err error) {
	life, err := c.place.takeLife()
	if life == nil {
		return false, err
	}
	defer life.Close() // the server has inherited it
	if c.server != nil {
		_ = c.server.Wait() // its log says more than its exit status
		c.server = nil
		return false, c.place.lastWords()
	}
	c.server, err = c.place.start(ctx, life)
	return err == nil, err
}

// takeLife takes the server's lock, or gives nil when a process of a server holds it.
func (p *place) takeLife() (*os.File, error) {
	f, err := p.openLock(serverLock)
	if err != nil {
		return nil, err
	}
	free, err := tryLock(f, syscall.LOCK_EX)
	if !free {
		f.Close()
		return nil, err
	}
	return f, nil
}

// start starts the server, which inherits its lock. It is ready some time later.
func (p *place) start(ctx context.Context, life *os.File) (*exec.Cmd, error) {
	version, err := p.version()
	if err != nil {
		return nil, err
	}
	progs, err := findPrograms(ctx, p.programs, p.path(pgName), version)
	if err != nil {
		return nil, err
	}
	socket, err := p.socketDir()
	if err != nil {
		return nil, err
	}
	if err := os.Remove(p.path(keepFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	log, err := p.newLog()
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(progs.dir, "postgres"), "-D", p.path(pgName),
		"-c", "listen_addresses=", "-c", "port="+port,
		"-c", "unix_socket_directories="+socket, "-c", "unix_socket_permissions=0700")
	cmd.Dir = p.dir
	cmd.Env = append(environment(), p.pastRemnants(socket)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{life}
	cmd.SysProcAttr = p.account.process()
	p.log.Info("starting the database server", "dir", p.dir, "programs", progs)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return cmd, nil
}

// pastRemnants lets a server start in spite of what a killed one left, and gives what must be added to its environment.
//
// PostgreSQL takes a pid file for good when any process of the same user has that number, even a stranger. We know
// better, from the server's lock. We do not remove the file: by it PostgreSQL finds the shared memory of a server that
// does live, and that check shall stay. But a server takes the number of the process that its starter came from for
// stale; so we say that the stranger is that process. An empty file is the remnant of a server killed while writing it.
func (p *place) pastRemnants(socket string) []string {
	_ = os.Remove(filepath.Join(socket, ".s.PGSQL."+port+".lock")) // if it stays, the server will say so
	path := p.path(filepath.Join(pgName, pidFile))
	if info, err := os.Stat(path); err == nil && info.Size() == 0 {
		_ = os.Remove(path) // likewise
	}
	if m, err := p.readPostmaster(); err == nil {
		return []string{"PG_GRANDPARENT_PID=" + strconv.Itoa(m.pid)}
	}
	return nil
}

// newLog opens an empty log for a new server and keeps the last one's beside it.
func (p *place) newLog() (*os.File, error) {
	path := p.path(logFile)
	if err := os.Rename(path, path+".1"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return f, p.give(f)
}

// lastWords is why a server ended that should have started.
func (p *place) lastWords() error {
	path := p.path(logFile)
	said, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("it ended, and its log is gone: %w", err)
	}
	if full := diskFull(p.path(pgName), string(said)); full != nil {
		return fmt.Errorf("it ended: %w; the end of its log %s:\n%s", full, path, lastLines(string(said)))
	}
	if len(said) > 0 {
		return fmt.Errorf("it ended; the end of its log %s:\n%s", path, lastLines(string(said)))
	}
	if err := p.canWrite(); err != nil {
		return fmt.Errorf("it ended, and could not write why: %w", err)
	}
	return fmt.Errorf("it ended, and its log %s is empty", path)
}

// canWrite finds out whether the data directory takes more, by trying.
func (p *place) canWrite() error {
	f, err := os.CreateTemp(p.dir, "probe")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 64<<10))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// stop asks the server to end and waits until every process of it has, also of one that was killed. It disconnects
// whoever is connected. The caller holds the gate.
func (p *place) stop(ctx context.Context) error {
	asked := false
	for {
		life, err := p.takeLife()
		if err != nil {
			return err
		}
		if life != nil {
			return life.Close()
		}
		if !asked {
			if m, err := p.living(ctx); err == nil {
				p.log.Info("stopping the database server", "dir", p.dir)
				asked = syscall.Kill(m.pid, syscall.SIGINT) == nil // a fast shutdown
			}
		}
		if err := pause(ctx, poll); err != nil {
			return fmt.Errorf("wait for the server in %s to end: %w", p.dir, err)
		}
	}
}
