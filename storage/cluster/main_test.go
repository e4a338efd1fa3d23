package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// helperEnv makes the test binary a process that uses a cluster, and says how.
const helperEnv = "GNUCENSUS_CLUSTER_TEST_HELPER"

var helpers = map[string]func(context.Context, *Cluster) error{
	// hold keeps its share until its standard input ends.
	"hold": func(ctx context.Context, c *Cluster) error {
		fmt.Println(c.DSN())
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	},
	"keep": func(ctx context.Context, c *Cluster) error { return c.Keep() },
	"copy": copyForever,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(helperEnv); name != "" {
		if err := help(context.Background(), helpers[name]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if template.dir != "" {
		os.RemoveAll(template.dir)
	}
	os.Exit(code)
}

// help opens a cluster in a helper process, under an umask that forbids others everything, and works with it.
func help(ctx context.Context, work func(context.Context, *Cluster) error) error {
	syscall.Umask(0o077)
	c, err := Open(ctx, Config{Dir: os.Getenv("GNUCENSUS_DATA")})
	if err != nil {
		return err
	}
	return errors.Join(work(ctx, c), c.Close())
}

// copyForever commits rows one by one and tells of each, then begins to COPY and never ends.
func copyForever(ctx context.Context, c *Cluster) error {
	conn, err := pgx.Connect(ctx, c.DSN())
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "CREATE TABLE kept (n int)"); err != nil {
		return err
	}
	for n := range committedRows {
		if _, err := conn.Exec(ctx, "INSERT INTO kept VALUES ($1)", n); err != nil {
			return err
		}
	}
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"kept"}, []string{"n"}, pgx.CopyFromFunc(func() func() ([]any, error) {
		n := 0
		return func() ([]any, error) {
			if n++; n == 200_000 { // several megabytes: the server has seen most of them
				fmt.Println("copying")
			}
			return []any{-n}, nil
		}
	}()))
	// The server is gone. Stay, as a crawler would while it saves, so that only the tests end this process.
	_, _ = io.Copy(io.Discard, os.Stdin)
	return err
}

const committedRows = 50

// A helper is such a process.
type helper struct {
	*exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

// startHelper starts a helper that uses the data directory. If it still runs at the end of the test it is killed, and the
// server too is stopped unless the test uses it.
func startHelper(t *testing.T, name, dir string, change ...func(*exec.Cmd)) *helper {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := &helper{Cmd: exec.Command(self)}
	h.Env = append(os.Environ(), helperEnv+"="+name, "GNUCENSUS_DATA="+dir)
	h.Stderr = t.Output()
	h.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	for _, c := range change {
		c(h.Cmd)
	}
	stdout, err := h.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	h.out = bufio.NewReader(stdout)
	if h.stdin, err = h.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if h.ProcessState == nil {
			h.kill(t)
		}
		if err := Stop(context.WithoutCancel(t.Context()), Config{Dir: dir}); err != nil && !errors.Is(err, ErrInUse) {
			t.Errorf("stop: %v", err)
		}
	})
	return h
}

// line waits for the helper's next line.
func (h *helper) line(t *testing.T) string {
	t.Helper()
	line, err := h.out.ReadString('\n')
	if err != nil {
		t.Fatalf("helper said %q, then %v", line, err)
	}
	return strings.TrimSpace(line)
}

// finish lets the helper close its cluster and end.
func (h *helper) finish(t *testing.T) {
	t.Helper()
	h.stdin.Close()
	if err := h.Wait(); err != nil {
		t.Errorf("helper: %v", err)
	}
}

func (h *helper) kill(t *testing.T) {
	t.Helper()
	if err := h.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = h.Wait() // killed, as asked
}

// baseDir is a temporary folder that every user may pass through: a server that root starts is another user.
func baseDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gnucensus-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// template is a cluster that tests copy instead of each making its own.
var template struct {
	sync.Once
	dir string
}

// madeDir is a data directory with a cluster in it and no server.
func madeDir(t *testing.T) string {
	t.Helper()
	template.Do(func() {
		dir, err := os.MkdirTemp("", "gnucensus-test-")
		if err != nil {
			t.Fatal(err)
		}
		template.dir = dir
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		closeCluster(t, open(t, Config{Dir: filepath.Join(dir, "data")}))
	})
	dir := filepath.Join(baseDir(t), "data")
	if out, err := exec.Command("cp", "-a", filepath.Join(template.dir, "data"), dir).CombinedOutput(); err != nil {
		t.Fatalf("copy the template: %v\n%s", err, out)
	}
	return dir
}

// movedDir is a data directory as madeDir gives, under another name.
func movedDir(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(baseDir(t), name)
	if err := os.Rename(madeDir(t), dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// open opens a cluster for the test, which may close it earlier.
func open(t testing.TB, cfg Config) *Cluster {
	t.Helper()
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeCluster(t, c) })
	return c
}

func closeCluster(t testing.TB, c *Cluster) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// status asks for the state of a directory whose server the test is about.
func status(t *testing.T, dir string) State {
	t.Helper()
	s, err := Status(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// column asks the database for one column of text.
func column(t *testing.T, dsn, query string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// serverProcesses are the numbers of the server and all its children, the server first.
func serverProcesses(t *testing.T, dir string) []int {
	t.Helper()
	s := status(t, dir)
	pids := []int{s.PID}
	for _, text := range column(t, s.DSN, "SELECT pid::text FROM pg_stat_activity WHERE pid <> pg_backend_pid()") {
		pid, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func signal(t *testing.T, sig syscall.Signal, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Errorf("signal %d: %v", pid, err)
		}
	}
}

// eventually waits until a condition holds, for a minute at most.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); {
		if time.Now().After(deadline) || pause(t.Context(), poll) != nil {
			t.Errorf("waited in vain for %s", what)
			return
		}
	}
}

// needRoot skips what only root can set up.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}
