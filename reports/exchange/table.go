package exchange

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"gnucensus/sql"
)

// A kind is what the values of a column are, and what happens to them when addresses are replaced.
type kind string

// The kinds of columns, as the heads of sql/exports spell them.
const (
	integerKind kind = "integer" // int64
	booleanKind kind = "boolean" // bool
	timeKind    kind = "time"    // time.Time, UTC, to the microsecond
	stringKind  kind = "string"  // a word of ours
	textKind    kind = "text"    // string from the network, which may hold addresses
	agentKind   kind = "agent"   // likewise, the name of software
	jsonKind    kind = "json"    // string, an object of such texts
	addressKind kind = "address" // string, an IPv4 or IPv6 address
	portKind    kind = "port"    // int64
	nameKind    kind = "name"    // string, a host of an imported graph
	guidKind    kind = "guid"    // string, a servent GUID in the form of a UUID
	listKind    kind = "list"    // []int64 in the database, int64 in a file: each element makes a row
)

// replaced tells what is done to the values of a column when addresses are replaced; "" for nothing.
func (k kind) replaced() string {
	switch k {
	case addressKind, portKind, nameKind, guidKind:
		return "replaced"
	case textKind, agentKind, jsonKind:
		return "addresses and contacts inside are replaced"
	}
	return ""
}

// frictionless is the type of the kind in a Frictionless table schema, and its format.
func (k kind) frictionless() (kind, format string) {
	switch k {
	case integerKind, portKind, listKind:
		return "integer", ""
	case booleanKind:
		return "boolean", ""
	case timeKind:
		return "datetime", ""
	case jsonKind:
		return "object", ""
	case guidKind:
		return "string", "uuid"
	}
	return "string", ""
}

// A column is one column of a table.
type column struct {
	name     string
	kind     kind
	optional bool   // a value may be missing: nil
	unit     string // empty: none
	meaning  string
}

// A table is one file of sql/exports: a statement with the snapshot as $1, and what it gives.
type table struct {
	name                 string
	title, about, method string
	key                  []string // columns that tell its rows apart
	columns              []column
	statement            string
}

// tableOf returns a table by its name. The files are part of the program, so one that is wrong or not there is a mistake of
// the programmer, and panics.
func tableOf(name string) *table {
	text, err := sql.Files.ReadFile("exports/" + name + ".sql")
	if err != nil {
		panic(fmt.Sprintf("read export: %v", err))
	}
	t := &table{name: name, statement: string(text)}
	for _, line := range sql.Head(t.statement) {
		if err := t.set(line); err != nil {
			panic(fmt.Sprintf("read export %s: head line %q: %v", name, line, err))
		}
	}
	return t
}

func (t *table) set(line string) error {
	word, value, _ := strings.Cut(line, ": ")
	switch word {
	case "title":
		t.title = value
	case "about":
		t.about = value
	case "method":
		t.method = value
	case "key":
		t.key = strings.Fields(value)
	case "column":
		words := strings.SplitN(value, " ", 4)
		if len(words) < 4 {
			return fmt.Errorf("a column has a name, a kind, a unit or -, and a meaning")
		}
		name, optional := strings.CutSuffix(words[1], "?")
		t.columns = append(t.columns, column{words[0], kind(name), optional, strings.TrimPrefix(words[2], "-"), words[3]})
	default:
		return fmt.Errorf("unknown key")
	}
	return nil
}

// list is the place of the column of lists, -1 if there is none.
func (t *table) list() int {
	return slices.IndexFunc(t.columns, func(c column) bool { return c.kind == listKind })
}

// timeFormat is ISO 8601 in UTC, to the microsecond as the database keeps it.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// format writes a value as text; a missing one is empty.
func format(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return v.UTC().Format(timeFormat)
	}
	return fmt.Sprint(v)
}

// parse reads what format wrote. Empty is missing where that may be.
func (c *column) parse(text string) (any, error) {
	if text == "" && c.optional {
		return nil, nil
	}
	switch c.kind {
	case integerKind, portKind, listKind:
		return strconv.ParseInt(text, 10, 64)
	case booleanKind:
		return strconv.ParseBool(text)
	case timeKind:
		return time.Parse(timeFormat, text)
	}
	return text, nil
}

// stored turns a value of a file into what the database takes.
func (c *column) stored(v any) (any, error) {
	text, isText := v.(string)
	switch {
	case isText && c.kind == addressKind:
		return netip.ParseAddr(text)
	case isText && c.kind == guidKind:
		return parseGUID(text)
	}
	return v, nil
}

// parseGUID reads 16 bytes in the form of a UUID.
func parseGUID(text string) (guid [16]byte, err error) {
	digits := strings.ReplaceAll(text, "-", "")
	if len(digits) != hex.EncodedLen(len(guid)) {
		return guid, fmt.Errorf("%q is no GUID", text)
	}
	if _, err := hex.Decode(guid[:], []byte(digits)); err != nil {
		return guid, fmt.Errorf("%q is no GUID: %w", text, err)
	}
	return guid, nil
}

func formatGUID(g [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[:4], g[4:6], g[6:8], g[8:10], g[10:])
}
