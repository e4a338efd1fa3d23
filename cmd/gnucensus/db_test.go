package main

import (
	"strings"
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
	state := func() string {
		t.Helper()
		return decode[struct{ State string }](t, db("status", "--format", "json")).State
	}
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
}
