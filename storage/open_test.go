package storage_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	good, err := pgx.ParseConfig(storagetest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*pgx.ConnConfig)) string {
		c := good.Copy()
		change(c)
		u := url.URL{Scheme: "postgres", User: url.UserPassword(c.User, "secret"), Path: "/" + c.Database}
		u.RawQuery = url.Values{"host": {c.Host}, "port": {port(c.Port)}}.Encode()
		return u.String()
	}
	closed := closedPort(t)
	tests := map[string]struct{ dsn, want string }{
		"not a URL":        {"postgres://:port", "read database URL"},
		"no such database": {with(func(c *pgx.ConnConfig) { c.Database = "nowhere" }), "there is no such database"},
		"no such user":     {with(func(c *pgx.ConnConfig) { c.User = "nobody_at_all" }), "does not accept this user"},
		"nothing listens":  {with(func(c *pgx.ConnConfig) { c.Host, c.Port = "127.0.0.1", closed }), "cannot be reached"},
		"no such socket":   {with(func(c *pgx.ConnConfig) { c.Host = t.TempDir() }), "no server socket at that path"},
		"no such host":     {with(func(c *pgx.ConnConfig) { c.Host = "census.invalid" }), "host name is not known"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := storage.Open(t.Context(), tt.dsn)
			if err == nil {
				db.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want %q in it", err, tt.want)
			}
			if errors.Is(err, storage.ErrURL) != (name == "not a URL") {
				t.Errorf("error %q is ErrURL: %t", err, errors.Is(err, storage.ErrURL))
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q tells the password, or has lines", err)
			}
		})
	}
}

func TestOpenRefusesTheTablesOfAnother(t *testing.T) {
	t.Parallel()
	dsn := storagetest.DSN(t)
	execute(t, dsn, "CREATE TABLE customer (name text)")
	_, err := storage.Open(t.Context(), dsn)
	var refused *storage.ConnectError
	if !errors.As(err, &refused) || !strings.Contains(refused.Reason, "public.customer") {
		t.Errorf("error %v, want one that names public.customer", err)
	}
}

func TestOpenRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	dsn := storagetest.DSN(t)
	db := migrated(t, dsn)
	db.Close()
	execute(t, dsn, "INSERT INTO gnucensus_migration (version_id, is_applied) VALUES (9999, true)")
	_, err := storage.Open(t.Context(), dsn)
	if err == nil || !strings.Contains(err.Error(), "its schema is version 9999") {
		t.Errorf("error %v, want one that names version 9999", err)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := storage.Open(ctx, storagetest.DSN(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// closedPort returns a port on which nothing listens.
func closedPort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort().Port()
}
