package storagetest

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

func exists(t *testing.T, server, database string) (found bool) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	err = conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database).Scan(&found)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestADatabaseLastsAsLongAsItsTest(t *testing.T) {
	t.Parallel()
	server := join(t)
	var database string
	t.Run("test", func(t *testing.T) {
		cfg, err := pgx.ParseConfig(DSN(t))
		if err != nil {
			t.Fatal(err)
		}
		if database = cfg.Database; !exists(t, server, database) {
			t.Errorf("%s does not exist", database)
		}
	})
	if exists(t, server, database) {
		t.Errorf("%s is still there", database)
	}
}

func TestSweepRemovesWhatTheDeadLeftBehind(t *testing.T) {
	t.Parallel()
	server := join(t)
	dead := prefix + "2000000000_test" // no process has such a number
	if err := run(t.Context(), server, "CREATE DATABASE "+dead); err != nil {
		t.Fatal(err)
	}
	living, err := pgx.ParseConfig(DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := sweep(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	if exists(t, server, dead) {
		t.Errorf("%s is still there", dead)
	}
	if !exists(t, server, living.Database) {
		t.Errorf("%s of this test was removed", living.Database)
	}
}

func TestWithDatabase(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://u:p@h:5/old?sslmode=disable": "postgres://u:p@h:5/new?sslmode=disable",
		"postgresql:///old?host=%2Frun":          "postgresql:///new?host=%2Frun",
		"host=/run dbname=old":                   "host=/run dbname=old dbname=new",
	} {
		if got := withDatabase(dsn, "new"); got != want {
			t.Errorf("withDatabase(%q) is %q, want %q", dsn, got, want)
		}
	}
}
