package storage

import "github.com/jackc/pgx/v5/pgxpool"

// Pool lets tests do to the database what DB has no method for.
func Pool(db *DB) *pgxpool.Pool { return db.pool }
