package exchange

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"gnucensus/storage"
)

// Import makes a snapshot of an export of everything and returns its number. path is the folder, or the description in it.
// Every file is compared with its checksum before anything is stored, and with its number of rows when it is read; all is stored
// or nothing. rows, if it is not nil, counts the rows that were read.
func Import(ctx context.Context, db *storage.DB, path string, rows *atomic.Int64) (id int64, err error) {
	in, err := openPackage(path)
	if err == nil {
		in.rows = rows
		err = in.verify(ctx)
	}
	if err == nil {
		source := filepath.Base(in.dir)
		id, err = db.ImportSnapshot(ctx, in.about.Snapshot.info(source), in.table)
	}
	if err != nil {
		return 0, fmt.Errorf("import %s: %w", path, err)
	}
	return id, nil
}

// A dataPackage is an export of everything that is being read.
type dataPackage struct {
	dir   string
	about *description
	rows  *atomic.Int64
}

// ErrPart says that an export holds only a part of what a snapshot saw.
var ErrPart = errors.New("no snapshot can be made of it")

func openPackage(path string) (*dataPackage, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if info.IsDir() {
		path = filepath.Join(path, packageName)
	}
	if filepath.Ext(path) != descriptionEnding {
		return nil, fmt.Errorf("%w: %s is neither a folder nor its %s", ErrPart, filepath.Base(path), packageName)
	}
	d, err := readDescription(path)
	if err != nil {
		return nil, err
	}
	if d.Software.Contents != All {
		return nil, fmt.Errorf("%w: the export holds %s alone", ErrPart, d.Software.Contents)
	}
	if d.Software.Layout != layout {
		return nil, fmt.Errorf("its layout is version %d and this gnucensus knows %d: use gnucensus %s, which wrote it",
			d.Software.Layout, layout, d.Software.Version)
	}
	in := &dataPackage{dir: filepath.Dir(path), about: d}
	for _, name := range allTables {
		if r := in.resource(name); r == nil {
			return nil, fmt.Errorf("its description tells of no table %s", name)
		} else if r.Path != filepath.Base(r.Path) || !filepath.IsLocal(r.Path) {
			return nil, fmt.Errorf("table %s is outside the folder: %q", name, r.Path)
		}
	}
	return in, nil
}

// resource returns the file of a table, nil if there is none.
func (in *dataPackage) resource(table string) *resource {
	list := in.about.Resources
	i := slices.IndexFunc(list, func(r resource) bool { return r.Name == table })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// verify compares the files with what their description says of them.
func (in *dataPackage) verify(ctx context.Context) error {
	for _, name := range allTables {
		r := in.resource(name)
		digest, err := digestOf(ctx, filepath.Join(in.dir, r.Path))
		if err != nil {
			return fmt.Errorf("read %s: %w", r.Path, err)
		}
		if digest != r.Hash {
			return fmt.Errorf("%s is not what was exported: its checksum is %s, not %s", r.Path, digest, r.Hash)
		}
	}
	return nil
}

func digestOf(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, contextReader{ctx, f}); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(digest.Sum(nil)), nil
}

// A contextReader reads until its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// table yields the rows of a table as storage takes them.
func (in *dataPackage) table(name string) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		r, t := in.resource(name), tableOf(name)
		f, err := os.Open(filepath.Join(in.dir, r.Path))
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		rows, closeRows, err := read(f, t)
		if err != nil {
			yield(nil, fmt.Errorf("read %s: %w", r.Path, err))
			return
		}
		defer closeRows()
		for row, err := range t.joined(in.counted(r, rows)) {
			if err == nil {
				err = t.store(row)
			}
			if err != nil {
				yield(nil, fmt.Errorf("read %s: %w", r.Path, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// read yields the rows of a file in the format that its name tells.
func read(f *os.File, t *table) (rows iter.Seq2[[]any, error], closeRows func(), err error) {
	form, _, err := formatOf(t.name, f.Name())
	if err != nil {
		return nil, nil, err
	}
	if !form.text {
		return readParquet(f, t), func() {}, nil
	}
	unpacked, err := Unpack(f)
	if err != nil {
		return nil, nil, err
	}
	return readCSV(unpacked, t), func() { _ = unpacked.Close() }, nil
}

// counted counts the rows of a file for who watches, and compares their number with what the description says.
func (in *dataPackage) counted(r *resource, rows iter.Seq2[[]any, error]) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		var n int64
		for row, err := range rows {
			n++
			if in.rows != nil {
				in.rows.Add(1)
			}
			if !yield(row, err) {
				return
			}
		}
		if n != r.Rows {
			yield(nil, fmt.Errorf("it is not what was exported: it has %d rows, not %d", n, r.Rows))
		}
	}
}

// store turns the values of a row into what the database takes.
func (t *table) store(row []any) (err error) {
	for i := range t.columns {
		if row[i], err = t.columns[i].stored(row[i]); err != nil {
			return fmt.Errorf("column %s: %w", t.columns[i].name, err)
		}
	}
	return nil
}

// joined makes one row of those that the elements of a list were written to: they stand together and differ in nothing else.
func (t *table) joined(rows iter.Seq2[[]any, error]) iter.Seq2[[]any, error] {
	list := t.list()
	if list < 0 {
		return rows
	}
	return func(yield func([]any, error) bool) {
		var whole []any
		var elements []int64
		for row, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			element, _ := row[list].(int64)
			row[list] = nil
			if whole != nil && !slices.Equal(whole, row) {
				whole[list] = elements
				if !yield(whole, nil) {
					return
				}
				whole, elements = nil, nil
			}
			whole, elements = row, append(elements, element)
		}
		if whole != nil {
			whole[list] = elements
			yield(whole, nil)
		}
	}
}
