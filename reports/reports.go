// Package reports turns a snapshot into what a reader sees: a table on a terminal, CSV, JSON or Markdown.
//
// A report is one file, sql/reports/name.sql: a head of comment lines, then one SELECT from the views of schema report. The
// lines of the head are
//
//	-- title: a few words                 -- needs: distance    measures of these names are computed before
//	-- about: one or two sentences        -- screen: 40         rows that a table shows; the other formats have all
//	-- order: place in the list           -- without edges: …   a note, given when coverage counts no edges
//	-- method: how the numbers came about -- note: …            a note, given always
//	-- param: snapshot                    value of $1; a second line is $2: version, of the code
//	-- series: vantage                    what it needs is kept of all earlier snapshots from the same vantage too
//	-- column: name unit align            one for each column; "-" stands for no unit; align is left or right
//
// and any line may go on in further comment lines, indented. A number never stands alone: the notes of every report begin
// with its method and with the coverage of the snapshot.
package reports

import (
	"context"
	"fmt"
	"strings"

	"gnucensus/storage"
)

// Info describes a report.
type Info struct {
	Name  string // as the command line takes it
	Title string
	About string // what it tells, in one or two sentences
}

// A Column is one column of a report.
type Column struct {
	Name  string // words joined by _
	Unit  string // empty: a text, or a number whose unit its row names
	Right bool   // aligned right, as numbers are
}

// A Report is the answer to one question about one snapshot. Its texts hold nothing that acts on a terminal.
type Report struct {
	Info
	Snapshot int64
	Columns  []Column
	Rows     [][]any // nil, string, bool, int64 or float64; nil: not measured, or it does not exist
	Notes    []string
	screen   int // rows that a table shows; 0: all
}

// An UnknownError says that there is no report of a name.
type UnknownError struct {
	Name  string
	Known []string // the names that there are
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("no report %q; there are: %s", e.Name, strings.Join(e.Known, ", "))
}

// List returns the reports that there are, in the order in which they are best read.
func List() []Info {
	var list []Info
	for _, d := range definitions() {
		list = append(list, d.Info)
	}
	return list
}

// Run makes the report of that name about a snapshot. What SQL cannot compute is computed first and kept under the version
// of the code. The error of an unknown name is an [UnknownError].
func Run(ctx context.Context, db *storage.DB, name string, snapshot int64, version string) (*Report, error) {
	d, err := find(name)
	if err != nil {
		return nil, err
	}
	r, err := d.run(ctx, db, snapshot, version)
	if err != nil {
		return nil, fmt.Errorf("report %s on snapshot %d: %w", name, snapshot, err)
	}
	return r, nil
}

func (d *definition) run(ctx context.Context, db *storage.DB, snapshot int64, version string) (*Report, error) {
	about, err := readSubject(ctx, db, snapshot)
	if err != nil {
		return nil, err
	}
	var at storage.Size // of the last of them, this snapshot
	for _, id := range about.series(d.series) {
		if at, err = keep(ctx, db, id, version, d.needs, nil); err != nil {
			return nil, err
		}
	}
	if err := about.cover(ctx, db, at); err != nil {
		return nil, err
	}
	values := map[string]any{"snapshot": snapshot, "version": version}
	var arguments []any
	for _, p := range d.params {
		arguments = append(arguments, values[p])
	}
	rows, err := d.answer(ctx, db, snapshot, at, arguments)
	if err != nil {
		return nil, err
	}
	r := &Report{Info: d.Info, Snapshot: snapshot, Columns: d.columns, Rows: rows.Values, screen: d.screen}
	r.Notes = append([]string{"Method: " + d.method, about.coverageNote(), about.snapshotNote()}, d.notesFor(about)...)
	if err := r.clean(); err != nil {
		return nil, err
	}
	return r, nil
}

// answer asks the statement of the report. What it tells of one snapshot is kept; other snapshots may go.
func (d *definition) answer(ctx context.Context, db *storage.DB, snapshot int64, at storage.Size, arguments []any) (
	*storage.Rows, error,
) {
	if d.series {
		return db.Select(ctx, d.statement, arguments...)
	}
	return db.Answer(ctx, snapshot, at, d.statement, arguments...)
}

// find returns the definition of a report.
func find(name string) (*definition, error) {
	var known []string
	for _, d := range definitions() {
		if d.Name == name {
			return d, nil
		}
		known = append(known, d.Name)
	}
	return nil, &UnknownError{Name: name, Known: known}
}
