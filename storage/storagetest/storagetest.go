// Package storagetest gives tests databases of their own on a real PostgreSQL.
//
// The server is the one that the environment variable GNUCENSUS_TEST_DATABASE names: the URL of a database whose user may
// create others. Without it, it is a private one that all test processes of a user share; the last test that needs it stops
// it, and what a killed test left behind is taken up by the next.
//
// The views live in a schema of their own, so a test needs a database and not only a schema to itself. To migrate each would
// take long; they are copies of a template, which is migrated once for each text of the schema.
package storagetest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"gnucensus/sql"
	"gnucensus/storage"
)

// New returns a migrated database that nobody else uses. It is closed and removed when the test ends.
func New(t testing.TB) *storage.DB {
	t.Helper()
	server := join(t)
	template, err := prepare(t.Context(), server)
	if err != nil {
		t.Fatalf("prepare template of test databases: %v", err)
	}
	db, err := storage.Open(t.Context(), create(t, server, template))
	if err != nil {
		t.Fatalf("open test database: %v", err)
	}
	t.Cleanup(db.Close)
	return db
}

// DSN returns the URL of an empty database that nobody else uses. It is removed when the test ends.
func DSN(t testing.TB) string {
	t.Helper()
	return create(t, join(t), "template1")
}

// create makes a database and returns its URL.
func create(t testing.TB, server, template string) string {
	t.Helper()
	name := fmt.Sprintf("%s%d_%s", prefix, os.Getpid(), strings.ToLower(rand.Text()[:8]))
	if err := run(t.Context(), server, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("create test database: %v", err)
	}
	t.Cleanup(func() {
		if err := run(context.WithoutCancel(t.Context()), server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("remove test database: %v", err)
		}
	})
	return withDatabase(server, name)
}

// prepare returns the name of the template, which it makes if this server has none for the schema at hand. It is migrated
// under another name first, so that nobody finds half of it.
func prepare(ctx context.Context, server string) (string, error) {
	digest, err := schemaDigest()
	if err != nil {
		return "", err
	}
	name := "gnucensus_template_" + digest
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// The lock ends with the connection. Its number is arbitrary.
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(3621840175024)"); err != nil {
		return "", err
	}
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists)
	if err != nil || exists {
		return name, err
	}
	draft := name + "_draft"
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + draft, "CREATE DATABASE " + draft} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return "", err
		}
	}
	if err := migrate(ctx, withDatabase(server, draft)); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+draft+" RENAME TO "+name)
	return name, err
}

func migrate(ctx context.Context, dsn string) error {
	db, err := storage.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx)
}

// schemaDigest names the text of all migrations and views.
func schemaDigest() (string, error) {
	digest := sha256.New()
	for _, pattern := range []string{"migrations/*.sql", "views/*.sql"} {
		names, err := fs.Glob(sql.Files, pattern)
		if err != nil {
			return "", err
		}
		for _, name := range names {
			text, err := sql.Files.ReadFile(name)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(digest, "%s\x00%s\x00", name, text)
		}
	}
	return hex.EncodeToString(digest.Sum(nil)[:8]), nil
}

// run executes one statement on a connection of its own.
func run(ctx context.Context, dsn, statement string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// withDatabase names another database of the same server, in either form of a connection string.
func withDatabase(dsn, name string) string {
	u, err := url.Parse(dsn)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return dsn + " dbname=" + name
	}
	u.Path = "/" + name
	return u.String()
}
