package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// answerPatience bounds one attempt to connect.
const answerPatience = 10 * time.Second

// Of PostgreSQL's error codes, those that we decide on.
const (
	codeNoDatabase = "3D000"
	classBusy      = "57" // it is starting, recovering or shutting down
)

// sqlState is the code of an error that a server sent, "" for any other.
func sqlState(err error) string {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Code
	}
	return ""
}

// dsn is a connection string for psql and pgx alike: psql does not read a plus sign as a space.
func dsn(socket, name string) string {
	host := strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(socket))
	return "postgresql:///" + name + "?host=" + host + "&port=" + port + "&user=" + role
}

// connect connects to the server once, makes the database if there is none, and gives the connection string.
func (p *place) connect(ctx context.Context) (string, error) {
	m, err := p.readPostmaster()
	if err != nil {
		return "", err
	}
	if err := p.trusts(m.socket); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	err = execute(ctx, dsn(m.socket, database), "")
	if sqlState(err) == codeNoDatabase {
		err = makeDatabase(ctx, m.socket)
	}
	return dsn(m.socket, database), err
}

// makeDatabase gives our name to the empty database that initdb makes, which takes a fraction of the time of making
// another. When that one is gone too, somebody has dropped ours, and it makes a new one.
func makeDatabase(ctx context.Context, socket string) error {
	err := execute(ctx, dsn(socket, "template1"), "ALTER DATABASE postgres RENAME TO "+database)
	if sqlState(err) == codeNoDatabase {
		err = execute(ctx, dsn(socket, "template1"), "CREATE DATABASE "+database)
	}
	return err
}

// execute runs one statement in a connection of its own.
func execute(ctx context.Context, dsn, statement string) error {
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement).ReadAll()
	return errors.Join(err, conn.Close(ctx))
}

// pidFile is what a server writes into its database's folder.
const pidFile = "postmaster.pid"

// A postmaster is what a server's pid file says.
type postmaster struct {
	pid    int
	socket string // folder of its socket
}

// readPostmaster reads the pid file, whose fifth line is written when the socket is there. It may be of a server that
// lives no more.
func (p *place) readPostmaster() (postmaster, error) {
	path := p.path(filepath.Join(pgName, pidFile))
	b, err := os.ReadFile(path)
	if err != nil {
		return postmaster{}, err
	}
	lines := append(strings.Split(string(b), "\n"), make([]string, 5)...)
	pid, err := strconv.Atoi(lines[0])
	if err != nil || pid <= 1 {
		return postmaster{}, fmt.Errorf("read %s: process number %.20q", path, lines[0])
	}
	return postmaster{pid: pid, socket: lines[4]}, nil
}

// answering is the server that listens. It wrote the pid file before it did, so the file is read again.
func (p *place) answering(ctx context.Context) (postmaster, error) {
	m, err := p.readPostmaster()
	if err != nil {
		return postmaster{}, err
	}
	if err := p.trusts(m.socket); err != nil {
		return postmaster{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(m.socket, ".s.PGSQL."+port))
	if err != nil {
		return postmaster{}, err
	}
	conn.Close()
	return p.readPostmaster()
}

// living is the process that may be signalled. On Linux it shows by its working directory, which is its database's folder,
// that it is the server, even when its socket was removed, or that it is a stranger with the same number. Where that cannot be
// seen, the server must answer.
func (p *place) living(ctx context.Context) (postmaster, error) {
	m, err := p.readPostmaster()
	if err != nil {
		return postmaster{}, err
	}
	there, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", m.pid))
	if err != nil {
		return p.answering(ctx)
	}
	here, err := os.Stat(p.path(pgName))
	if err != nil {
		return postmaster{}, err
	}
	if !os.SameFile(there, here) {
		return postmaster{}, fmt.Errorf("process %d is not the server of %s", m.pid, p.dir)
	}
	return m, nil
}
