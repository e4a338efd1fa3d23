package cluster

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// A first Open makes the folders above the directory too, under any umask, and a server with the settings that matter.
func TestOpenMakes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(baseDir(t), "not", "there yet 100%+")
	h := startHelper(t, "hold", dir)
	dsn := h.line(t)
	want := map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": "",
		"server_encoding": "UTF8", "lc_collate": "C", "TimeZone": "UTC", "data_directory_mode": "0700",
		"unix_socket_permissions": "0700",
	}
	got := make(map[string]string)
	for name := range want {
		value := column(t, dsn, "SELECT setting FROM pg_settings WHERE name = '"+name+"' "+
			"UNION ALL SELECT datcollate FROM pg_database WHERE datname = 'gnucensus' AND 'lc_collate' = '"+name+"'")
		got[name] = strings.Join(value[:1], "")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	h.finish(t)
	if s := status(t, dir); s.Running || s.Version < oldest {
		t.Errorf("after the only user has left: %+v", s)
	}
	for _, name := range []string{pgName, socketName} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("folder %s: %v, %v; want mode 0700", name, info.Mode(), err)
		}
	}
}

// psql takes the connection string as it is, whatever the environment says of other servers.
func TestPsql(t *testing.T) {
	t.Parallel()
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("no psql")
	}
	c := open(t, Config{Dir: movedDir(t, "a b%+&=?#é")})
	cmd := exec.Command(psql, "--no-psqlrc", "-Atc", "SELECT current_database(), current_user", c.DSN())
	cmd.Env = append(os.Environ(), "PGHOST=/nowhere", "PGPORT=1", "PGUSER=nobody", "PGDATABASE=other")
	out, err := cmd.CombinedOutput()
	if got := string(out); err != nil || got != "gnucensus|gnucensus\n" {
		t.Errorf("psql: %v, %q", err, got)
	}
}

// The last one out stops the server, in whatever order they leave.
func TestShares(t *testing.T) {
	t.Parallel()
	dir := madeDir(t)
	starter := startHelper(t, "hold", dir)
	starter.line(t)
	c := open(t, Config{Dir: dir})
	other := startHelper(t, "hold", dir)
	if dsn := other.line(t); dsn != c.DSN() {
		t.Errorf("connection strings %q and %q of one server", dsn, c.DSN())
	}
	starter.finish(t)
	column(t, c.DSN(), "SELECT 'still there'")
	closeCluster(t, c)
	if s := status(t, dir); !s.Running || !s.Used || s.DSN != c.DSN() {
		t.Errorf("with one user left: %+v", s)
	}
	other.finish(t)
	if s := status(t, dir); s.Running || s.Used || s.PID != 0 || s.DSN != "" {
		t.Errorf("with no user left: %+v", s)
	}
	closeCluster(t, c) // a second time
}

// Processes and goroutines that come and go at the same moment, on a directory where nothing is made yet, never find a
// server that is being stopped, and leave none.
func TestComeAndGo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(baseDir(t), "data")
	var group sync.WaitGroup
	for range 3 {
		h := startHelper(t, "hold", dir)
		group.Go(func() {
			h.stdin.Close()
			if err := h.Wait(); err != nil {
				t.Errorf("helper: %v", err)
			}
		})
		group.Go(func() {
			for range 5 {
				c, err := Open(t.Context(), Config{Dir: dir})
				if err != nil {
					t.Error(err)
					return
				}
				conn, err := pgx.Connect(t.Context(), c.DSN())
				if err != nil {
					t.Error(err)
				} else {
					conn.Close(t.Context())
				}
				status(t, dir) // whoever looks is not taken for a user
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if s := status(t, dir); s.Running {
		t.Errorf("all have left: %+v", s)
	}
}

func TestKeepAndStop(t *testing.T) {
	t.Parallel()
	dir := madeDir(t)
	cfg := Config{Dir: dir}
	h := startHelper(t, "keep", dir)
	if err := h.Wait(); err != nil {
		t.Fatal(err)
	}
	kept := status(t, dir)
	if !kept.Running || !kept.Kept || kept.Used {
		t.Fatalf("after Keep and Close: %+v", kept)
	}
	c := open(t, cfg)
	if err := Stop(t.Context(), cfg); !errors.Is(err, ErrInUse) {
		t.Errorf("stop with a user: %v", err)
	}
	if err := c.Keep(); err != nil {
		t.Fatal(err)
	}
	closeCluster(t, c)
	if s := status(t, dir); s.PID != kept.PID {
		t.Errorf("kept server %d, then %+v", kept.PID, s)
	}
	for range 2 { // that none runs is no error
		if err := Stop(t.Context(), cfg); err != nil {
			t.Errorf("stop: %v", err)
		}
		if s := status(t, dir); s.Running || s.Kept {
			t.Errorf("after Stop: %+v", s)
		}
	}
	closeCluster(t, open(t, cfg))
	if s := status(t, dir); s.Running {
		t.Errorf("a new run of the server is kept: %+v", s)
	}
}

// Stop and Status of a directory that was never used make nothing.
func TestNothingThere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(baseDir(t), "data")
	if err := Stop(t.Context(), Config{Dir: dir}); err != nil {
		t.Error(err)
	}
	s := status(t, dir)
	if want := (State{Dir: dir, Log: filepath.Join(dir, logFile), Programs: s.Programs}); s != want || s.Programs == "" {
		t.Errorf("%+v", s)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("directory: %v", err)
	}
}

// Somebody dropped our database.
func TestDroppedDatabase(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: madeDir(t)}
	c := open(t, cfg)
	socket := filepath.Join(cfg.Dir, socketName)
	if err := execute(t.Context(), dsn(socket, "template1"), "DROP DATABASE gnucensus"); err != nil {
		t.Fatal(err)
	}
	closeCluster(t, c)
	names := column(t, open(t, cfg).DSN(), "SELECT datname::text FROM pg_database")
	if !slices.Contains(names, database) {
		t.Errorf("databases %q", names)
	}
}

// An Open that is given up, in the middle of initdb or later, leaves no process and nothing half-made.
func TestOpenGivenUp(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(baseDir(t), "data")
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() {
		eventually(t, "initdb to begin", func() bool { return exists(dir, scratch, "PG_VERSION") })
		cancel()
	})
	if _, err := Open(ctx, Config{Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if s := status(t, dir); s.Running || s.Version != 0 || exists(dir, scratch) {
		t.Errorf("left behind: %+v, scratch folder %t", s, exists(dir, scratch))
	}
	open(t, Config{Dir: dir})
}

// A Ctrl-C goes to all processes of the terminal's group.
func TestInterruptDoesNotReachServer(t *testing.T) {
	t.Parallel()
	dir := madeDir(t)
	h := startHelper(t, "hold", dir)
	h.line(t)
	before := status(t, dir)
	if err := syscall.Kill(-h.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := h.Wait(); err == nil {
		t.Error("the interrupted process has ended well")
	}
	c := open(t, Config{Dir: dir})
	if after := status(t, dir); after.PID != before.PID {
		t.Errorf("server %d, then %d", before.PID, after.PID)
	}
	closeCluster(t, c)
}

// exists says whether there is a file of that path.
func exists(elements ...string) bool {
	_, err := os.Lstat(filepath.Join(elements...))
	return err == nil
}
