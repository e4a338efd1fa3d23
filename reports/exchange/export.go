package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"gnucensus/sql"
	"gnucensus/storage"
)

// A Request says what to export, and how.
type Request struct {
	Contents string        // Hosts, Edges, Hits or All
	Path     string        // file, whose ending tells the format; folder of All
	Ending   string        // of the files of All: .csv, .csv.gz, .csv.zst or .parquet
	Snapshot int64         // number of the snapshot
	Key      *Key          // under which addresses are replaced; nil: they stay
	Force    bool          // replace an export that is there
	Version  string        // of the program
	Rows     *atomic.Int64 // counts the rows that were written, for who watches; nil: nobody
}

// Check finds what is wrong with a request before anything is read.
func (r *Request) Check() error {
	if r.Contents == All {
		if _, _, err := formatOf(All, "*"+r.Ending); err != nil {
			return err
		}
		return replaceable(r.Path, r.Force)
	}
	if _, _, err := formatOf(r.Contents, r.Path); err != nil || r.Force {
		return err
	}
	return cmp.Or(vacant(r.Path), vacant(r.Path+descriptionEnding))
}

// An export is an export in the making.
type export struct {
	Request
	from     *storage.Reader
	replacer *replacer // nil: addresses stay
	about    description
}

// Export writes a file and its description, or a folder: whole, or not at all. It returns a *[FormatError] when the name of
// a file does not tell a format that fits, and an *[ExistsError] when there is something at the path, unless forced.
func Export(ctx context.Context, db *storage.DB, r Request) error {
	write := (*export).writeFile
	if r.Contents == All {
		write = (*export).writeFolder
	}
	err := r.Check()
	if err == nil {
		err = db.Read(ctx, func(from *storage.Reader) error {
			e := &export{Request: r, from: from}
			if err := e.begin(ctx); err != nil {
				return err
			}
			return write(e, ctx)
		})
	}
	if err != nil {
		return fmt.Errorf("export %s of snapshot %d: %w", r.Contents, r.Snapshot, err)
	}
	return nil
}

// covered are the columns of report.coverage that a description tells. Those that depend on links are not among them: to
// count edges takes as long as to export them.
var covered = []string{"heard", "visited", "reached", "files_measured", "queries", "hits", "observations"}

// begin reads what is told of the snapshot as a whole.
func (e *export) begin(ctx context.Context) error {
	info, err := e.from.Snapshot(ctx, e.Snapshot)
	if err != nil {
		return err
	}
	coverage := map[string]int64{}
	statement := "SELECT " + strings.Join(covered, ", ") + " FROM report.coverage WHERE snapshot_id = $1"
	for row, err := range e.from.Rows(ctx, statement, e.Snapshot) {
		if err != nil {
			return err
		}
		for i, name := range covered {
			coverage[name], _ = row[i].(int64)
		}
	}
	e.about = description{
		Profile:   "data-package",
		Name:      fmt.Sprintf("gnucensus-%d-%s", e.Snapshot, e.Contents),
		Title:     fmt.Sprintf("Census of %s, snapshot %d: %s", info.Network, e.Snapshot, e.Contents),
		Software:  software{e.Version, e.Contents, layout},
		Addresses: exactAddresses,
		Notes:     []string{},
	}
	if info.State != storage.StateComplete {
		e.about.Notes = append(e.about.Notes, "The snapshot is not complete: hosts that it would have visited are missing.")
	}
	if e.Key != nil {
		e.about.Addresses, e.about.Notes = replacedAddresses, append(e.about.Notes, replacedNote)
		if err := e.learn(ctx); err != nil {
			return err
		}
	}
	e.about.Snapshot, err = newSnapshot(info, coverage, e.replacer)
	return err
}

// learn makes a replacer that knows the addresses of the snapshot.
func (e *export) learn(ctx context.Context) error {
	e.replacer = newReplacer(*e.Key)
	for row, err := range e.from.Rows(ctx, sql.Query("addresses"), e.Snapshot) {
		if err != nil {
			return err
		}
		text, _ := row[0].(string)
		a, err := netip.ParseAddr(text)
		if err != nil {
			return err
		}
		e.replacer.know(a)
	}
	return nil
}

// writeFile exports to one file with its description beside it.
func (e *export) writeFile(ctx context.Context) error {
	beside := e.Path + descriptionEnding
	f, err := e.fill(ctx, e.Contents, e.Path)
	if err != nil {
		return err
	}
	defer f.discard()
	about, err := e.describe(beside)
	if err != nil {
		return err
	}
	defer about.discard()
	// Whoever is stopped between the two leaves data without a description rather than with a wrong one.
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := f.publish(); err != nil {
		return err
	}
	return about.publish()
}

// writeFolder exports everything to a folder.
func (e *export) writeFolder(ctx context.Context) error {
	folder, err := createFolder(e.Path)
	if err != nil {
		return err
	}
	defer folder.discard()
	for _, name := range allTables {
		f, err := e.fill(ctx, name, filepath.Join(folder.part, name+e.Ending))
		if err != nil {
			return err
		}
		if err := f.publish(); err != nil {
			return err
		}
	}
	about, err := e.describe(filepath.Join(folder.part, packageName))
	if err != nil {
		return err
	}
	if err := about.publish(); err != nil {
		return err
	}
	return folder.publish()
}

// describe makes the file of the description, finished but not published.
func (e *export) describe(path string) (*file, error) {
	return makeFile(path, func(f *file) error { return e.about.write(f) })
}

// fill makes the file of a table, finished but not published, and adds it to the description.
func (e *export) fill(ctx context.Context, contents, path string) (*file, error) {
	form, compression, err := formatOf(contents, path)
	if err != nil {
		return nil, err
	}
	t := tableOf(cmp.Or(form.edges, contents))
	r := resource{
		Name: contents, Path: filepath.Base(path), Title: t.title, About: t.about, Method: t.method, Format: form.name,
		MediaType: form.mediaType, Compression: compressions[compression], Schema: t.schema(e.Key != nil),
	}
	if form.text {
		r.Encoding = "utf-8"
	}
	f, err := makeFile(path, func(f *file) error {
		packed, err := pack(f, compression)
		if err != nil {
			return err
		}
		if form.open == nil {
			err = e.writeGraph(ctx, packed, t, &r)
		} else {
			err = e.writeTable(ctx, packed, form, t, &r)
		}
		if err != nil {
			return err
		}
		return packed.Close()
	})
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	r.Bytes, r.Hash = f.bytes, f.hash()
	e.about.Resources = append(e.about.Resources, r)
	return f, nil
}

func (e *export) writeTable(ctx context.Context, w io.Writer, form *fileFormat, t *table, r *resource) error {
	out, err := form.open(w, t)
	if err != nil {
		return err
	}
	if r.Rows, err = e.stream(ctx, t, out.write); err != nil {
		return err
	}
	return out.close()
}

// writeGraph writes the edges with the hosts as nodes.
func (e *export) writeGraph(ctx context.Context, w io.Writer, edges *table, r *resource) error {
	hosts := tableOf(Hosts)
	nodes := hosts.schema(e.Key != nil)
	r.Nodes = &nodes
	out, err := newGraphMLWriter(w, hosts, edges)
	if err != nil {
		return err
	}
	if _, err := e.stream(ctx, hosts, out.node); err != nil {
		return err
	}
	if r.Rows, err = e.stream(ctx, edges, out.edge); err != nil {
		return err
	}
	return out.close()
}

// stream reads the rows of a table, replaces what is to be replaced, and hands them on. It returns how many there were.
func (e *export) stream(ctx context.Context, t *table, write func([]any) error) (rows int64, err error) {
	list := t.list()
	for row, err := range e.from.Rows(ctx, t.statement, e.Snapshot) {
		if err != nil {
			return rows, err
		}
		for i := range t.columns {
			if row[i], err = e.replacer.value(t.columns[i].kind, row[i]); err != nil {
				return rows, fmt.Errorf("row %d: column %s: %w", rows+1, t.columns[i].name, err)
			}
		}
		elements := []int64{0}
		if list >= 0 {
			elements, _ = row[list].([]int64)
		}
		for _, element := range elements {
			if list >= 0 {
				row[list] = element
			}
			if err := write(row); err != nil {
				return rows, err
			}
			rows++
			if e.Rows != nil {
				e.Rows.Add(1)
			}
		}
	}
	return rows, nil
}
