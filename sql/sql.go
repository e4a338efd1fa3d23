// Package sql holds every statement of the census as text: migrations build the tables, views derive the definitions from
// them, queries are what the program asks, reports are what the reader sees. It lies here, and not in the packages that use
// it, so that whoever reads the database finds all of its SQL in one folder; it is a package because an embedded file cannot
// lie above the package that embeds it.
package sql

import (
	"embed"
	"fmt"
	"strings"
)

// Files holds migrations/NNNN_name.sql (forward only, for goose), views/NN_name.sql (in the order of their dependence),
// queries/name.sql (one statement each, with named arguments), reports/name.sql and exports/name.sql (one SELECT each, after
// a [Head] that packages reports and exchange read).
//
//go:embed migrations/*.sql views/*.sql queries/*.sql reports/*.sql exports/*.sql
var Files embed.FS

// Query returns the statement in queries/name.sql. A name that is not there is a mistake of the caller, so it panics.
func Query(name string) string {
	text, err := Files.ReadFile("queries/" + name + ".sql")
	if err != nil {
		panic(fmt.Sprintf("read statement: %v", err))
	}
	return string(text)
}

// Head returns the comment lines at the beginning of a file, without their dashes; a line that is indented goes on with the
// one before and is joined to it.
func Head(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		comment, found := strings.CutPrefix(line, "-- ")
		if !found {
			break
		}
		comment = strings.TrimRight(comment, "\n")
		if rest := strings.TrimLeft(comment, " "); len(rest) < len(comment) && len(lines) > 0 {
			lines[len(lines)-1] += " " + rest
		} else {
			lines = append(lines, comment)
		}
	}
	return lines
}
