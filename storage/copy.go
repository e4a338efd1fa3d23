package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A table is one of the tables that hold what a snapshot saw. The first of its columns is the snapshot.
type table struct {
	name    string
	columns []string
}

// A copying is rows of one table in the binary format of COPY ("Binary Format" in the manual of PostgreSQL): a head, for each
// row the number of its fields, for each field its length and its bytes as the type sends them, and a trailer. Rows are encoded
// where they are made, so that a million of them make no garbage.
type copying struct {
	table *table
	buf   []byte
	rows  int
}

const (
	copyHead    = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00" // signature, no flags, no extension
	copyTrailer = 0xffff
)

func newCopying(t *table) copying { return copying{table: t} }

// row begins a row. As many fields as the table has columns must follow.
func (c *copying) row() {
	if c.rows == 0 {
		c.buf = append(c.buf[:0], copyHead...)
	}
	c.rows++
	c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(len(c.table.columns)))
}

// store sends the rows.
func (c *copying) store(ctx context.Context, tx pgx.Tx) error {
	if c.rows == 0 {
		return nil
	}
	c.buf = binary.BigEndian.AppendUint16(c.buf, copyTrailer)
	statement := "COPY " + c.table.name + " (" + strings.Join(c.table.columns, ", ") + ") FROM STDIN BINARY"
	if _, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(c.buf), statement); err != nil {
		return fmt.Errorf("store %s: %w", c.table.name, err)
	}
	return nil
}

func (c *copying) length(n int) { c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(n)) }

func (c *copying) null() { c.length(-1) }

func (c *copying) int16(v int16) {
	c.length(2)
	c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(v))
}

func (c *copying) int32(v int32) {
	c.length(4)
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(v))
}

func (c *copying) int64(v int64) {
	c.length(8)
	c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(v))
}

// known gives NULL for what is negative.
func (c *copying) known(v int32) {
	if v < 0 {
		c.null()
		return
	}
	c.int32(v)
}

// count gives NULL for what is not a count.
func (c *copying) count(v *int64) {
	if v == nil || *v < 0 {
		c.null()
		return
	}
	c.int64(*v)
}

// seconds gives an integer of seconds, at most its largest, and NULL for what is no duration.
func (c *copying) seconds(d *time.Duration) {
	if d == nil || *d < 0 {
		c.null()
		return
	}
	c.int32(int32(min(*d/time.Second, math.MaxInt32)))
}

func (c *copying) bool(v *bool) {
	if v == nil {
		c.null()
		return
	}
	c.length(1)
	var b byte
	if *v {
		b = 1
	}
	c.buf = append(c.buf, b)
}

// text gives a text, which must be clean.
func (c *copying) text(s string) {
	c.length(len(s))
	c.buf = append(c.buf, s...)
}

// optional gives NULL for an empty text.
func (c *copying) optional(s string) {
	if s == "" {
		c.null()
		return
	}
	c.text(s)
}

// uuid gives 16 bytes.
func (c *copying) uuid(v [16]byte) {
	c.length(len(v))
	c.buf = append(c.buf, v[:]...)
}

// time gives a timestamptz: microseconds since the year 2000.
func (c *copying) time(t time.Time) { c.int64(t.UnixMicro() - epoch) }

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// inet gives the family, the bits of the prefix, that it is no cidr, and the address, IPv4 unmapped.
func (c *copying) inet(a netip.Addr) {
	const ipv4, ipv6 = 2, 3 // the families as PostgreSQL numbers them
	a = a.Unmap()
	if a.Is4() {
		ip := a.As4()
		c.length(4 + len(ip))
		c.buf = append(c.buf, ipv4, 32, 0, byte(len(ip)))
		c.buf = append(c.buf, ip[:]...)
		return
	}
	ip := a.As16()
	c.length(4 + len(ip))
	c.buf = append(c.buf, ipv6, 128, 0, byte(len(ip)))
	c.buf = append(c.buf, ip[:]...)
}

// list gives an integer[], NULL for one that is empty: dimensions, no NULL in it, type of the elements, length, first index.
func (c *copying) list(ids []int32) {
	if len(ids) == 0 {
		c.null()
		return
	}
	const int4 = 23 // oid of the type
	c.length(20 + 8*len(ids))
	for _, word := range [...]uint32{1, 0, int4, uint32(len(ids)), 1} {
		c.buf = binary.BigEndian.AppendUint32(c.buf, word)
	}
	for _, id := range ids {
		c.int32(id)
	}
}

// object gives a jsonb, NULL for one without fields: its version, and an object of texts, which are cleaned.
func (c *copying) object(fields map[string]string) {
	if len(fields) == 0 {
		c.null()
		return
	}
	const version = 1
	begin := len(c.buf)
	c.length(0) // until it is known
	c.buf = append(c.buf, version)
	mark := byte('{')
	for name, value := range fields {
		c.buf = appendQuoted(append(c.buf, mark), clean(name))
		c.buf = appendQuoted(append(c.buf, ':'), clean(value))
		mark = ','
	}
	c.buf = append(c.buf, '}')
	binary.BigEndian.PutUint32(c.buf[begin:], uint32(len(c.buf)-begin-4))
}

// appendQuoted appends a clean text as JSON has it.
func appendQuoted(b []byte, text string) []byte {
	b = append(b, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = fmt.Appendf(b, "\\u%04x", c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
