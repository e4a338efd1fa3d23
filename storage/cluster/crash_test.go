package cluster

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Whoever is killed in the middle of a COPY: what was committed is there, what was not is not, and the next one can work.
func TestKillLosesNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		kill func(t *testing.T, h *helper, server []int)
	}{
		{"client", func(t *testing.T, h *helper, server []int) { h.kill(t) }},
		{"postmaster", func(t *testing.T, h *helper, server []int) { signal(t, syscall.SIGKILL, server[0]) }},
		{"every server process", func(t *testing.T, h *helper, server []int) { signal(t, syscall.SIGKILL, server...) }},
		{"client and every server process", func(t *testing.T, h *helper, server []int) {
			signal(t, syscall.SIGKILL, server...)
			h.kill(t)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := madeDir(t)
			h := startHelper(t, "copy", dir)
			if line := h.line(t); line != "copying" {
				t.Fatal(line)
			}
			test.kill(t, h, serverProcesses(t, dir))
			c := open(t, Config{Dir: dir})
			got := column(t, c.DSN(), "SELECT count(*) || ' ' || min(n) FROM kept")[0]
			if want := strconv.Itoa(committedRows) + " 0"; got != want {
				t.Errorf("rows and least number %q, want %q", got, want)
			}
		})
	}
}

// A server whose starter was killed is used, not started again, and the last one out stops it.
func TestAdopt(t *testing.T) {
	t.Parallel()
	dir := madeDir(t)
	h := startHelper(t, "hold", dir)
	h.line(t)
	before := status(t, dir)
	h.kill(t)
	if s := status(t, dir); !s.Running || s.Used {
		t.Errorf("after its user was killed: %+v", s)
	}
	c := open(t, Config{Dir: dir})
	if after := status(t, dir); after.PID != before.PID || after.PID == 0 {
		t.Errorf("server %d, then %d", before.PID, after.PID)
	}
	closeCluster(t, c)
	if s := status(t, dir); s.Running {
		t.Errorf("the last one has left: %+v", s)
	}
}

// An initdb whose starter was killed is waited for, and what it and others left is cleared.
func TestKilledMaker(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(baseDir(t), "data")
	h := startHelper(t, "hold", dir)
	eventually(t, "initdb to begin", func() bool { return exists(dir, scratch, "PG_VERSION") })
	h.kill(t)
	if exists(dir, pgName) {
		t.Error("a half-made cluster has its name")
	}
	c := open(t, Config{Dir: dir})
	column(t, c.DSN(), "SELECT 'whole'")
	if exists(dir, scratch) {
		t.Error("the scratch folder is still there")
	}
}

// A process of a killed server that has not noticed yet keeps the memory that the server shared. The next start waits
// for it.
func TestOrphan(t *testing.T) {
	t.Parallel()
	dir := madeDir(t)
	h := startHelper(t, "copy", dir)
	h.line(t)
	server := serverProcesses(t, dir)
	orphan := server[1]
	signal(t, syscall.SIGSTOP, orphan)
	t.Cleanup(func() { signal(t, syscall.SIGCONT, orphan) })
	signal(t, syscall.SIGKILL, server[0])
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if c, err := Open(ctx, Config{Dir: dir}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("open beside a process of the killed server: %v, %v", c, err)
	}
	if s := status(t, dir); !s.Running || s.PID != 0 {
		t.Errorf("only an orphan is left: %+v", s)
	}
	signal(t, syscall.SIGCONT, orphan)
	open(t, Config{Dir: dir})
}

// crash leaves a directory as a server does that was killed whole, and returns the path of its pid file.
func crash(t *testing.T, dir string) string {
	t.Helper()
	h := startHelper(t, "hold", dir)
	h.line(t)
	signal(t, syscall.SIGKILL, serverProcesses(t, dir)...)
	h.kill(t)
	eventually(t, "the server to be dead", func() bool { return !status(t, dir).Running })
	return filepath.Join(dir, pgName, pidFile)
}

// The number in a stale pid file can be that of a process that came later and has nothing to do with us. It does not
// lock us out, and it is not harmed.
func TestStrangerInPidFile(t *testing.T) {
	t.Parallel()
	dir := madeDir(t)
	pidFile := crash(t, dir)
	account, err := chooseAccount(dir, filepath.Join(dir, pgName))
	if err != nil {
		t.Fatal(err)
	}
	stranger := exec.Command("cat")
	stranger.SysProcAttr = account.process()
	stdin, err := stranger.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pidFile, filepath.Join(dir, socketName, ".s.PGSQL."+port+".lock")} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(b), "\n")
		if err := os.WriteFile(path, []byte(strconv.Itoa(stranger.Process.Pid)+"\n"+rest), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Stop(t.Context(), Config{Dir: dir}); err != nil {
		t.Errorf("stop where only the pid file lives: %v", err)
	}
	c := open(t, Config{Dir: dir})
	if s := status(t, dir); s.PID == stranger.Process.Pid || s.PID == 0 {
		t.Errorf("server %+v, stranger %d", s, stranger.Process.Pid)
	}
	closeCluster(t, c)
	stdin.Close()
	if err := stranger.Wait(); err != nil {
		t.Errorf("the stranger: %v", err)
	}
}

// A server that was killed between making its pid file and writing it.
func TestEmptyPidFile(t *testing.T) {
	t.Parallel()
	dir := madeDir(t)
	if err := os.Truncate(crash(t, dir), 0); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Dir: dir})
}

// A server whose socket somebody has removed can still be stopped, and then used again.
func TestSocketRemoved(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a process's working directory")
	}
	cfg := Config{Dir: madeDir(t)}
	h := startHelper(t, "keep", cfg.Dir)
	if err := h.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(cfg.Dir, socketName)); err != nil {
		t.Fatal(err)
	}
	if s := status(t, cfg.Dir); !s.Running || s.PID != 0 {
		t.Errorf("a server without a socket: %+v", s)
	}
	if err := Stop(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	open(t, cfg)
}

// A server that does not start says why in its log, and the error shows it.
func TestBadSetting(t *testing.T) {
	t.Parallel()
	dir := madeDir(t)
	if err := appendFile(filepath.Join(dir, pgName, "postgresql.conf"), "no_such_setting = 1\n"); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
	if s := status(t, dir); s.Running {
		t.Errorf("%+v", s)
	}
}

// A directory of another major version is refused with what was found and what is needed, and stays as it is.
func TestOtherVersion(t *testing.T) {
	t.Parallel()
	dir := madeDir(t)
	path := filepath.Join(dir, pgName, "PG_VERSION")
	if err := os.WriteFile(path, []byte("9999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := listing(t, filepath.Join(dir, pgName))
	var version *VersionError
	_, err := Open(t.Context(), Config{Dir: dir})
	if !errors.As(err, &version) || version.Made != 9999 || len(version.Found) == 0 {
		t.Errorf("error %v", err)
	}
	if after := listing(t, filepath.Join(dir, pgName)); !slices.Equal(before, after) {
		t.Errorf("before %q\nafter %q", before, after)
	}
	if s := status(t, dir); s.Version != 9999 || s.Running || !errors.As(s.Refusal, &version) || s.Programs != "" {
		t.Errorf("%+v", s)
	}
}

// listing is every file below dir with its size, mode and time.
func listing(t *testing.T, dir string) []string {
	t.Helper()
	out, err := exec.Command("ls", "-lnR", "--full-time", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(out), "\n")
}
