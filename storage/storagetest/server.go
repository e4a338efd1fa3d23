package storagetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"gnucensus/storage/cluster"
)

// prefix begins the name of every test database; the process that made it and a random part follow.
const prefix = "gnucensus_test_"

// private is the private server, as far as this process uses it.
var private struct {
	sync.Mutex
	tests  int // that use it now
	server *cluster.Cluster
}

// join returns the URL of a server that lasts until the test ends.
func join(t testing.TB) string {
	t.Helper()
	if dsn := os.Getenv("GNUCENSUS_TEST_DATABASE"); dsn != "" {
		return dsn
	}
	private.Lock()
	defer private.Unlock()
	if private.server == nil {
		server, err := start(t.Context())
		if err != nil {
			t.Fatalf("start PostgreSQL for tests (GNUCENSUS_TEST_DATABASE can name another): %v", err)
		}
		private.server = server
	}
	private.tests++
	t.Cleanup(func() { leave(t) })
	return private.server.DSN()
}

// leave gives up the server when no test of this process uses it any more: a test binary has no other moment to do so.
func leave(t testing.TB) {
	private.Lock()
	defer private.Unlock()
	private.tests--
	if private.tests > 0 {
		return
	}
	server := private.server
	private.server = nil
	if err := server.Close(); err != nil {
		t.Errorf("stop PostgreSQL for tests: %v", err)
	}
}

// start opens the private server. It lies in the folder for temporary files, which the user that root runs servers as can
// reach, unlike root's own cache folder.
func start(ctx context.Context) (*cluster.Cluster, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("gnucensus-test-%d", os.Getuid()))
	server, err := cluster.Open(ctx, cluster.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	if err := sweep(ctx, server.DSN()); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return server, nil
}

// sweep removes the databases of test processes that are no more.
func sweep(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", prefix)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		owner, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "_")
		pid, err := strconv.Atoi(owner)
		if err != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			return err
		}
	}
	return nil
}
