package figure

import (
	"context"
	"fmt"
	"path"
	"slices"

	"gnucensus/reports/graph"
	"gnucensus/sql"
	"gnucensus/storage"
)

// An Album makes the figures of one snapshot. What several of them need is read once, so it shows the snapshot as it was then;
// it is not safe for concurrent use.
type Album struct {
	db      *storage.DB
	version string
	about   subject
	at      storage.Size // when the album was opened

	read struct { // what was read already
		tables   map[string]*table
		topology *topology
	}
}

// Open returns the album of a snapshot; [storage.ErrNoSnapshot] when it does not exist. What takes long to compute is stored
// under the version of the code.
func Open(ctx context.Context, db *storage.DB, snapshot int64, version string) (*Album, error) {
	a := &Album{db: db, version: version}
	a.read.tables = map[string]*table{}
	snapshots, err := db.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(snapshots, func(s storage.SnapshotInfo) bool { return s.ID == snapshot })
	if i < 0 {
		return nil, storage.ErrNoSnapshot
	}
	a.about = subject{SnapshotInfo: snapshots[i]}
	if a.at, err = db.Size(ctx, snapshot); err != nil {
		return nil, err
	}
	t, err := a.query(ctx, "figure_coverage")
	if err != nil {
		return nil, err
	}
	for r := range t.rows() {
		a.about.heard, a.about.visited, a.about.reached = r.count("heard"), r.count("visited"), r.count("reached")
		a.about.files = r.count("files_measured")
	}
	return a, nil
}

// subject is the snapshot that the figures are about.
type subject struct {
	storage.SnapshotInfo
	heard, visited, reached, files int
}

// note tells which snapshot it is and how much of what was heard of was seen.
func (s *subject) note() string {
	part := func(n, whole int) string {
		if whole == 0 {
			return number(float64(n))
		}
		return fmt.Sprintf("%s (%.1f %%)", number(float64(n)), 100*float64(n)/float64(whole))
	}
	source := ""
	if s.Source != "" {
		source = ", imported from " + s.Source
	}
	return fmt.Sprintf("Coverage: %s heard of; %s visited; %s of these reached; files of %s known. "+
		"Snapshot %d: %s from vantage %s, begun %s%s, %s.",
		many(s.heard, "host", "hosts"), part(s.visited, s.heard), part(s.reached, s.visited), part(s.files, s.heard),
		s.ID, s.Network, s.Vantage, s.Started.UTC().Format("2006-01-02 15:04:05 UTC"), source, s.State)
}

// query reads the answer to a statement of sql/queries whose one argument is the snapshot.
func (a *Album) query(ctx context.Context, name string) (*table, error) {
	return a.table(ctx, "queries/"+name+".sql")
}

// report reads the rows of a report: a figure and a table that tell the same have the same numbers.
func (a *Album) report(ctx context.Context, name string) (*table, error) {
	return a.table(ctx, "reports/"+name+".sql")
}

func (a *Album) table(ctx context.Context, file string) (*table, error) {
	if t := a.read.tables[file]; t != nil {
		return t, nil
	}
	statement, err := sql.Files.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	answer, err := a.db.Answer(ctx, a.about.ID, a.at, string(statement), a.about.ID)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Base(file), err)
	}
	t := &table{columns: map[string]int{}, values: answer.Values}
	for i, name := range answer.Columns {
		t.columns[name] = i
	}
	a.read.tables[file] = t
	return t, nil
}

// topology is the graph of a snapshot with what pictures of it need.
type topology struct {
	*graph.Measured
	visited []bool
	roles   []byte // by host: u, l or ? where nobody told
}

// topology reads the links of the snapshot. The graph numbers hosts from 0, the database from 1.
func (a *Album) topology(ctx context.Context) (*topology, error) {
	if a.read.topology != nil {
		return a.read.topology, nil
	}
	hosts, err := a.query(ctx, "figure_hosts")
	if err != nil {
		return nil, err
	}
	t := &topology{}
	for r := range hosts.rows() {
		t.roles = []byte(r.text("roles"))
		for _, mark := range r.text("visited") {
			t.visited = append(t.visited, mark == '1')
		}
	}
	b := graph.NewBuilder(len(t.visited))
	if err := a.db.Edges(ctx, a.about.ID, func(from, to int32) error { return b.Add(from-1, to-1) }); err != nil {
		return nil, err
	}
	t.Measured = graph.NewMeasured(b.Graph())
	a.read.topology = t
	return t, nil
}
