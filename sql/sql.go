// Package sql holds every statement of the census as text: migrations build the tables, views derive the definitions from
// them, queries are what the program asks, reports are what the reader sees. It lies here, and not in the packages that use
// it, so that whoever reads the database finds all of its SQL in one folder; it is a package because an embedded file cannot
// lie above the package that embeds it.
package sql

import (
	"embed"
	"fmt"
)

// Files holds migrations/NNNN_name.sql (forward only, for goose), views/NN_name.sql (in the order of their dependence),
// queries/name.sql (one statement each, with named arguments) and reports/name.sql (one SELECT each, after a head that
// package reports reads).
//
//go:embed migrations/*.sql views/*.sql queries/*.sql reports/*.sql
var Files embed.FS

// Query returns the statement in queries/name.sql. A name that is not there is a mistake of the caller, so it panics.
func Query(name string) string {
	text, err := Files.ReadFile("queries/" + name + ".sql")
	if err != nil {
		panic(fmt.Sprintf("read statement: %v", err))
	}
	return string(text)
}
