package exchange

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// CSV is as RFC 4180 has it, with lines that end in LF. The texts of hosts hold whatever they like, line ends too, and must
// come back as they were; a reader that takes CR LF for LF would change them.

// maxRecord bounds a record, in bytes: far above what a host is allowed to send.
const maxRecord = 1 << 20

// A csvWriter writes the rows of a table, after a header with the names of the columns.
type csvWriter struct {
	w    *bufio.Writer
	line []byte
}

func newCSVWriter(w io.Writer, t *table) (rowWriter, error) {
	c := &csvWriter{w: bufio.NewWriterSize(w, 1<<16)}
	names := make([]any, len(t.columns))
	for i := range t.columns {
		names[i] = t.columns[i].name
	}
	return c, c.write(names)
}

func (c *csvWriter) write(row []any) error {
	c.line = c.line[:0]
	for i, v := range row {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		c.line = appendField(c.line, format(v))
	}
	_, err := c.w.Write(append(c.line, '\n'))
	return err
}

func (c *csvWriter) close() error { return c.w.Flush() }

func appendField(b []byte, field string) []byte {
	if !strings.ContainsAny(field, ",\"\r\n") {
		return append(b, field...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(field, `"`, `""`)...)
	return append(b, '"')
}

// readCSV yields the rows of a table that newCSVWriter wrote.
func readCSV(r io.Reader, t *table) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		c := &csvReader{r: bufio.NewReaderSize(r, 1<<16)}
		if err := c.header(t); err != nil {
			yield(nil, c.at(err))
			return
		}
		for {
			row, err := c.row(t)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, c.at(err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// A csvReader reads records. It knows where it is, for its errors.
type csvReader struct {
	r      *bufio.Reader
	line   int // on which the record begins
	lines  int // read until now
	fields []string
	field  []byte
}

// at adds the line to an error.
func (c *csvReader) at(err error) error { return fmt.Errorf("line %d: %w", c.line, err) }

func (c *csvReader) header(t *table) error {
	if err := c.record(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for i := range t.columns {
		if i >= len(c.fields) || c.fields[i] != t.columns[i].name {
			return fmt.Errorf("column %d is not %s", i+1, t.columns[i].name)
		}
	}
	return nil
}

func (c *csvReader) row(t *table) ([]any, error) {
	if err := c.record(); err != nil {
		return nil, err
	}
	if len(c.fields) != len(t.columns) {
		return nil, fmt.Errorf("%d fields, want %d", len(c.fields), len(t.columns))
	}
	row := make([]any, len(t.columns))
	for i := range t.columns {
		var err error
		if row[i], err = t.columns[i].parse(c.fields[i]); err != nil {
			return nil, fmt.Errorf("column %s: %w", t.columns[i].name, err)
		}
	}
	return row, nil
}

var (
	errQuote  = errors.New("a quote is not closed, or closed before the end of its field")
	errRecord = fmt.Errorf("longer than %d bytes", maxRecord)
)

// record reads the fields of one record. The error is io.EOF at the end of the file, and only there.
func (c *csvReader) record() error {
	c.fields, c.line = c.fields[:0], c.lines+1
	if _, err := c.r.Peek(1); err != nil {
		return err
	}
	for size := 0; size < maxRecord; size += len(c.field) + 1 {
		end, err := c.readField(maxRecord - size)
		if err != nil {
			return err
		}
		c.fields = append(c.fields, string(c.field))
		if end == '\n' {
			c.lines++
			return nil
		}
	}
	return errRecord
}

// readField reads a field and what ends it: a comma or LF.
func (c *csvReader) readField(limit int) (end byte, err error) {
	c.field = c.field[:0]
	quoted, closed := false, false
	for len(c.field) < limit {
		b, err := c.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return 0, io.ErrUnexpectedEOF
		case err != nil:
			return 0, err
		case quoted && closed && b == '"': // the second of two
			closed = false
			c.field = append(c.field, b)
		case (!quoted || closed) && (b == ',' || b == '\n'):
			return b, nil
		case quoted && closed, !quoted && b == '"' && len(c.field) > 0:
			return 0, errQuote
		case !quoted && b == '"':
			quoted = true
		case quoted && b == '"':
			closed = true
		default:
			if b == '\n' {
				c.lines++
			}
			c.field = append(c.field, b)
		}
	}
	return 0, errRecord
}
