package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"gnucensus/sql"
)

// migrationTable is where goose notes which migrations have run; by its presence a database is known as ours.
const migrationTable = "gnucensus_migration"

// Migrate brings tables and views up to the version of this program. It may be called at every start: when nothing is to be
// done it writes nothing. Of several processes that call it at once, one works and the others wait.
func (db *DB) Migrate(ctx context.Context) error {
	// The lock belongs to this transaction, which ends when tables and views are both done.
	err := transact(ctx, db.pool.Begin, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sql.Query("lock_migration")); err != nil {
			return fmt.Errorf("wait for another migration: %w", err)
		}
		if err := db.migrateTables(ctx); err != nil {
			return err
		}
		return createViews(ctx, tx)
	})
	if hasCode(err, notPermitted) {
		return &ConnectError{Where: db.where, Reason: reason(err), Err: err}
	}
	if err != nil {
		return fmt.Errorf("migrate database %s: %w", db.where, err)
	}
	return nil
}

func (db *DB) migrateTables(ctx context.Context) error {
	migrations, err := fs.Sub(sql.Files, "migrations")
	if err != nil {
		return err
	}
	conn := stdlib.OpenDBFromPool(db.pool)
	defer func() { _ = conn.Close() }() // it only hands its connections back to the pool
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, migrations,
		goose.WithTableName(migrationTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// createViews makes schema report anew when the text of its views has changed; the schema's comment keeps the digest of that
// text. Views that somebody built upon ours go with them, so this must not happen at every start.
func createViews(ctx context.Context, tx pgx.Tx) error {
	names, err := fs.Glob(sql.Files, "views/*.sql") // sorted: each view depends only on earlier ones
	if err != nil {
		return err
	}
	texts := make([]string, len(names))
	digest := sha256.New()
	for i, name := range names {
		text, err := sql.Files.ReadFile(name)
		if err != nil {
			return err
		}
		texts[i] = string(text)
		digest.Write(text)
	}
	want := "Views of gnucensus, made anew when their text changes. Digest " + hex.EncodeToString(digest.Sum(nil))
	var have string
	if err := tx.QueryRow(ctx, sql.Query("view_digest")).Scan(&have); err != nil {
		return fmt.Errorf("read digest of views: %w", err)
	}
	if have == want {
		return nil
	}
	recreate := "DROP SCHEMA IF EXISTS report CASCADE; CREATE SCHEMA report; COMMENT ON SCHEMA report IS '" + want + "'"
	if _, err := tx.Exec(ctx, recreate); err != nil {
		return fmt.Errorf("create schema report: %w", err)
	}
	for i, text := range texts {
		if _, err := tx.Exec(ctx, text); err != nil {
			return fmt.Errorf("create %s: %w", names[i], err)
		}
	}
	return nil
}
