package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestPrivateDatabase goes through the life of a private server by the commands alone.
func TestPrivateDatabase(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	db := func(args ...string) string {
		t.Helper()
		return must(t, append([]string{"db", "--data", data}, args...)...)
	}
	state := func() string { return databaseState(t, data) }
	if s := state(); !strings.HasPrefix(s, "no database yet") {
		t.Errorf("before: %s", s)
	}
	r := run(t, "db", "migrate", "--data", data, "--log-level", "info")
	if r.code != exitDone || !strings.Contains(r.stderr, "making a database") {
		t.Errorf("migrate: exit %d: %s", r.code, r.stderr)
	}
	if r := run(t, "db", "migrate", "--data", data); r.code != exitDone || r.stderr != "" {
		t.Errorf("a command that is done and not asked to talk says %q", r.stderr)
	}
	if s := state(); !strings.HasPrefix(s, "stopped") {
		t.Errorf("after a command: %s", s)
	}
	url := strings.TrimSpace(db("url"))
	t.Cleanup(func() { run(t, "db", "stop", "--data", data) })
	if s := state(); !strings.HasPrefix(s, "runs until") {
		t.Errorf("after db url: %s", s)
	}
	if got := rows(t, open(t, url), "SELECT count(*) FROM snapshot"); got[0][0] != int64(0) {
		t.Errorf("a new database has %v snapshots", got[0][0])
	}
	if got := db("psql", "--", "-X", "-A", "-t", "-c", "SELECT count(*) FROM report.coverage"); got != "0\n" {
		t.Errorf("psql says %q", got)
	}
	if r := run(t, "db", "psql", "--data", data, "--", "-X", "-c", "SELECT nonsense"); r.code != exitFailed {
		t.Errorf("psql that fails: exit %d", r.code)
	}
	db("stop")
	if s := state(); !strings.HasPrefix(s, "stopped") {
		t.Errorf("after db stop: %s", s)
	}
	if err := os.WriteFile(filepath.Join(data, "pg", "PG_VERSION"), []byte("9999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := state(); !strings.HasPrefix(s, "cannot start") || !strings.Contains(s, "install PostgreSQL 9999") {
		t.Errorf("of another version: %s", s)
	}
}

func databaseState(t *testing.T, data string) string {
	t.Helper()
	status := must(t, "db", "status", "--data", data, "--format", "json")
	return decode[struct{ State string }](t, status).State
}

// A session is psql in a process of the program, which holds a share in a private server.
type session struct {
	*process
	data  string
	stdin io.WriteCloser
}

func newSession(t *testing.T) *session {
	t.Helper()
	command := exec.Command(os.Args[0], "db", "psql", "--data", dataDir(t), "--", "-X", "-A", "-t")
	s := &session{data: command.Args[4]}
	var err error
	if s.stdin, err = command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run(t, "db", "stop", "--data", s.data) })
	s.process = startCommand(t, command)
	return s
}

// ask has psql answer, and so shows that it runs.
func (s *session) ask(t *testing.T, n int) {
	t.Helper()
	if _, err := fmt.Fprintf(s.stdin, "SELECT %d;\n", n); err != nil {
		t.Fatal(err)
	}
	if answer := <-s.print; answer != strconv.Itoa(n) {
		t.Fatalf("psql answers %q and not %d", answer, n)
	}
}

// TestPsqlOutlivesCtrlC: however often it comes, psql runs on and we wait for it.
func TestPsqlOutlivesCtrlC(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	for n := range 20 {
		s.ask(t, n)
		if err := s.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	if state := databaseState(t, s.data); !strings.HasPrefix(state, "runs while") {
		t.Errorf("while psql runs: %s", state)
	}
	s.stdin.Close()
	if r := s.end(t); r.code != exitDone {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if state := databaseState(t, s.data); !strings.HasPrefix(state, "stopped") {
		t.Errorf("after psql: %s", state)
	}
}

// TestPsqlEnds: what tells the program to end ends psql, and a kill leaves a server that nobody uses.
func TestPsqlEnds(t *testing.T) {
	t.Parallel()
	for signal, after := range map[os.Signal]string{
		syscall.SIGTERM: "stopped", os.Kill: "runs, though no gnucensus uses it",
	} {
		s := newSession(t)
		s.ask(t, 1)
		if err := s.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if signal == os.Kill {
			s.stdin.Close() // so that psql, which is nobody's then, ends
		}
		if r := s.end(t); r.code == exitDone {
			t.Errorf("%v: exit %d", signal, r.code)
		}
		if state := databaseState(t, s.data); !strings.HasPrefix(state, after) {
			t.Errorf("after %v: %s", signal, state)
		}
	}
}
