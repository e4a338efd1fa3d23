package storage_test

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"gnucensus/probe"
	"gnucensus/storage"
)

var meta = storage.Meta{Network: "gnutella", Vantage: "test", Version: "v0"}

// begin starts a snapshot that is closed when the test ends.
func begin(t testing.TB, db *storage.DB) *storage.Snapshot {
	t.Helper()
	s, err := db.Begin(t.Context(), meta)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// resume goes on with a snapshot; it is closed when the test ends.
func resume(t testing.TB, db *storage.DB, id int64) *storage.Snapshot {
	t.Helper()
	s, err := db.Resume(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func record(t testing.TB, s *storage.Snapshot, obs ...probe.Observation) {
	t.Helper()
	if err := s.Record(t.Context(), obs); err != nil {
		t.Fatal(err)
	}
}

// migrated opens a database and migrates it; it is closed when the test ends.
func migrated(t testing.TB, dsn string) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func selectRows(t testing.TB, db *storage.DB, statement string, args ...any) [][]any {
	t.Helper()
	rows, err := db.Select(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	return rows.Values
}

// execute runs a statement on a connection of its own.
func execute(t testing.TB, dsn, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// withParameter adds a parameter to either form of a connection string.
func withParameter(dsn, name, value string) string {
	switch {
	case !strings.HasPrefix(dsn, "postgres"):
		return dsn + " " + name + "=" + value
	case strings.Contains(dsn, "?"):
		return dsn + "&" + name + "=" + value
	}
	return dsn + "?" + name + "=" + value
}

func port(n uint16) string { return strconv.Itoa(int(n)) }

// host is the n-th host of a made-up network.
func host(n int) probe.Endpoint {
	var ip [4]byte
	binary.BigEndian.PutUint32(ip[:], 0x0b000000+uint32(n))
	return probe.Endpoint{Network: probe.Gnutella, Addr: netip.AddrPortFrom(netip.AddrFrom4(ip), 6346)}
}

// talk is a conversation of which only the outcome is known.
func talk(e probe.Endpoint, method probe.Method, outcome probe.Outcome) probe.Observation {
	return probe.Observation{
		Endpoint: e, Method: method, Started: time.Unix(1_800_000_000, 0), Took: 20 * time.Millisecond, Outcome: outcome,
	}
}

// naming adds peers that the host named.
func naming(o probe.Observation, relation probe.Relation, peers ...probe.Endpoint) probe.Observation {
	for _, p := range peers {
		o.Peers = append(o.Peers, probe.Peer{Endpoint: p, Relation: relation})
	}
	return o
}

func ptr[T any](v T) *T { return &v }
