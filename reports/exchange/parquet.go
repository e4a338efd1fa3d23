package exchange

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/parquet-go/parquet-go"
)

const (
	// groupRows is how many rows are kept together: what is in memory, columns being written one after the other.
	groupRows = 1 << 17
	// batchRows is how many rows are handed over at once.
	batchRows = 256
)

// columnsInOrder is a group of columns that keep their order, which those of a parquet.Group do not.
type columnsInOrder struct {
	parquet.Group
	fields []parquet.Field
}

func (c columnsInOrder) Fields() []parquet.Field { return c.fields }

// schemaOf gives the Parquet schema of a table: flat, each column required unless a value may be missing.
func schemaOf(t *table) *parquet.Schema {
	group := parquet.Group{}
	place := map[string]int{}
	for i, c := range t.columns {
		node := c.node()
		if c.optional {
			node = parquet.Optional(node)
		}
		group[c.name], place[c.name] = node, i
	}
	fields := group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int { return place[a.Name()] - place[b.Name()] })
	return parquet.NewSchema(t.name, columnsInOrder{group, fields})
}

func (c *column) node() parquet.Node {
	switch c.kind {
	case integerKind, portKind, listKind:
		return parquet.Encoded(parquet.Int(64), &parquet.DeltaBinaryPacked)
	case booleanKind:
		return parquet.Leaf(parquet.BooleanType)
	case timeKind:
		return parquet.Encoded(parquet.Timestamp(parquet.Microsecond), &parquet.DeltaBinaryPacked)
	case stringKind, agentKind, textKind:
		return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	case jsonKind:
		return parquet.JSON()
	}
	return parquet.String()
}

// A parquetWriter writes the rows of a table, compressed by zstd.
type parquetWriter struct {
	w     *parquet.GenericWriter[any]
	t     *table
	rows  []parquet.Row // waiting
	group int64         // rows of the group so far
}

func newParquetWriter(w io.Writer, t *table) (rowWriter, error) {
	out := parquet.NewGenericWriter[any](w, schemaOf(t),
		parquet.Compression(&parquet.Zstd), parquet.CreatedBy("gnucensus", "", ""))
	return &parquetWriter{w: out, t: t}, nil
}

func (p *parquetWriter) write(row []any) error {
	values := make(parquet.Row, len(row))
	for i, v := range row {
		values[i] = p.t.columns[i].value(v, i)
	}
	if p.rows = append(p.rows, values); len(p.rows) < batchRows {
		return nil
	}
	return p.flush()
}

// flush hands over the rows that wait, and ends the group when it is full.
func (p *parquetWriter) flush() error {
	if _, err := p.w.WriteRows(p.rows); err != nil {
		return err
	}
	p.group += int64(len(p.rows))
	p.rows = p.rows[:0]
	if p.group < groupRows {
		return nil
	}
	p.group = 0
	return p.w.Flush()
}

func (p *parquetWriter) close() error {
	if err := p.flush(); err != nil {
		return err
	}
	return p.w.Close()
}

// value is a value of the column that stands at a place.
func (c *column) value(v any, place int) parquet.Value {
	level := 0
	if c.optional && v != nil {
		level = 1
	}
	var value parquet.Value
	switch v := v.(type) {
	case bool:
		value = parquet.BooleanValue(v)
	case int64:
		value = parquet.Int64Value(v)
	case string:
		value = parquet.ByteArrayValue([]byte(v))
	case time.Time:
		value = parquet.Int64Value(v.UnixMicro())
	}
	return value.Level(0, level, place)
}

// errForeign says that a Parquet file is not of a table of ours.
var errForeign = errors.New("its columns are others than gnucensus writes")

// readParquet yields the rows of a table that newParquetWriter wrote.
func readParquet(f *os.File, t *table) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		var file *parquet.File
		err := guard(func() (err error) {
			file, err = openParquet(f, t)
			return err
		})
		if err != nil {
			yield(nil, err)
			return
		}
		for _, group := range file.RowGroups() {
			if !readGroup(group, t, yield) {
				return
			}
		}
	}
}

// readGroup yields the rows of a group, and tells whether to go on after it.
func readGroup(group parquet.RowGroup, t *table, yield func([]any, error) bool) bool {
	rows := group.Rows()
	defer rows.Close()
	buffer := make([]parquet.Row, batchRows)
	for left := group.NumRows(); left > 0; {
		var read int
		err := guard(func() (err error) {
			if read, err = rows.ReadRows(buffer); read > 0 {
				return nil // an error comes again
			}
			return err
		})
		if read == 0 {
			if err == nil || errors.Is(err, io.EOF) {
				err = fmt.Errorf("%d rows are missing", left)
			}
			yield(nil, err)
			return false
		}
		for _, values := range buffer[:read] {
			left--
			if !yield(t.row(values), nil) {
				return false
			}
		}
	}
	return true
}

// guard makes an error of a panic: the library does not expect what a damaged file may hold.
func guard(f func() error) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("the file is damaged: %v", broken)
		}
	}()
	return f()
}

func openParquet(f *os.File, t *table) (*parquet.File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkFooter(f, info.Size()); err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, err
	}
	if file.Schema().String() != schemaOf(t).String() {
		return nil, errForeign
	}
	return file, nil
}

// checkFooter looks at the length that the end of a file gives its description, for which the library makes room unseen.
func checkFooter(f io.ReaderAt, size int64) error {
	var end [8]byte // length, "PAR1"
	if _, err := f.ReadAt(end[:], size-int64(len(end))); size < int64(len(end)) || err != nil {
		return errors.New("it is no Parquet file: too short")
	}
	if length := int64(binary.LittleEndian.Uint32(end[:])); length > size {
		return fmt.Errorf("it is damaged, or no Parquet file: a description of %d bytes in a file of %d", length, size)
	}
	return nil
}

// row turns the values of a row into those of the table.
func (t *table) row(values parquet.Row) []any {
	row := make([]any, len(t.columns))
	for _, v := range values {
		if v.IsNull() {
			continue
		}
		switch i := v.Column(); t.columns[i].kind {
		case integerKind, portKind, listKind:
			row[i] = v.Int64()
		case booleanKind:
			row[i] = v.Boolean()
		case timeKind:
			row[i] = time.UnixMicro(v.Int64()).UTC()
		default:
			row[i] = string(v.ByteArray())
		}
	}
	return row
}
