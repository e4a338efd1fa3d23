package reports

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// A Format is a way to write a report.
type Format string

// The formats. Table and Markdown are for people: numbers have thousands separators, "–" stands for what is not measured or
// does not exist. CSV (RFC 4180) and JSON are for machines: all digits, an empty field or null.
const (
	Table    Format = "table"
	CSV      Format = "csv"
	JSON     Format = "json"
	Markdown Format = "md"
)

// Formats lists the formats by the names that the command line takes.
func Formats() []string { return []string{string(Table), string(CSV), string(JSON), string(Markdown)} }

// Write writes the report. A table is fitted to a width in characters; when that is 0, each row is one line, however wide. The
// other formats have no width.
func (r *Report) Write(w io.Writer, f Format, width int) error {
	write := map[Format]func(io.Writer) error{
		Table:    func(w io.Writer) error { return r.writeTable(w, width) },
		CSV:      r.writeCSV,
		JSON:     r.writeJSON,
		Markdown: r.writeMarkdown,
	}[f]
	if write == nil {
		return fmt.Errorf("no format %q; there are: %s", f, strings.Join(Formats(), ", "))
	}
	if err := write(w); err != nil {
		return fmt.Errorf("write report %s: %w", r.Name, err)
	}
	return nil
}

func (r *Report) writeJSON(w io.Writer) error {
	type column struct {
		Name string `json:"name"`
		Unit string `json:"unit"`
	}
	object := struct {
		Report   string   `json:"report"`
		Snapshot int64    `json:"snapshot"`
		Columns  []column `json:"columns"`
		Rows     [][]any  `json:"rows"`
		Notes    []string `json:"notes"`
	}{Report: r.Name, Snapshot: r.Snapshot, Rows: r.Rows, Notes: r.Notes}
	for _, c := range r.Columns {
		object.Columns = append(object.Columns, column{c.Name, c.Unit})
	}
	if object.Rows == nil {
		object.Rows = [][]any{}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(object)
}

func (r *Report) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	record := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		record[i] = c.Name
	}
	out.Write(record) // an error stays, and Flush shows it
	for _, row := range r.Rows {
		for i, v := range row {
			record[i] = plain(v)
		}
		out.Write(record)
	}
	out.Flush()
	return out.Error()
}

// plain is a value for machines.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		if size := math.Abs(v); size != 0 && (size < 1e-6 || size >= 1e21) { // as JSON has it
			return strconv.FormatFloat(v, 'e', -1, 64)
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// unit returns the unit of a value: that of its column, or else what its row says in the column that is called unit.
func (r *Report) unit(row []any, column int) string {
	if unit := r.Columns[column].Unit; unit != "" {
		return unit
	}
	for i, c := range r.Columns {
		if unit, isText := row[i].(string); isText && c.Name == "unit" {
			return unit
		}
	}
	return ""
}

// Text is a value of a row of the report for people, as tables and pages show it.
func (r *Report) Text(row []any, column int) string { return pretty(row[column], r.unit(row, column)) }

// chance is the unit of the probabilities of a test, of which nobody needs to know how far below a thousandth they are.
const chance = "chance"

// pretty is a value for people: percentages with two decimals, other fractions with five digits.
func pretty(v any, unit string) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case int64:
		return separated(strconv.FormatInt(v, 10))
	case float64:
		if unit == chance && v < 0.001 {
			return "< 0.001"
		}
		if strings.HasPrefix(unit, "%") {
			return separated(strconv.FormatFloat(v, 'f', 2, 64))
		}
		return separated(fiveDigits(v))
	}
	return fmt.Sprint(v)
}

// fiveDigits rounds to five significant digits, or to whole ones, and drops zeros at the end of a fraction. What is not zero is
// not shown as zero.
func fiveDigits(x float64) string {
	decimals := 0
	if x != math.Trunc(x) {
		if decimals = max(4-int(math.Floor(math.Log10(math.Abs(x)))), 0); decimals > 10 {
			return strconv.FormatFloat(x, 'g', 5, 64)
		}
	}
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// separated puts a comma between groups of three digits of the whole part. A number with an exponent has only one there.
func separated(number string) string {
	if strings.Contains(number, "e") {
		return number
	}
	sign, digits := "", number
	if strings.HasPrefix(number, "-") {
		sign, digits = "-", number[1:]
	}
	whole, fraction, found := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		whole += "." + fraction
	}
	return sign + whole
}
