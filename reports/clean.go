package reports

import (
	"fmt"
	"math"
	"strings"
	"unicode"
)

// clean makes the rows safe to print and of few types. Texts may come from the network, so whatever could act on a
// terminal, a page or the order of what is read goes: control characters, and with them the escape sequences that they
// begin; marks of direction and other invisible format characters; invalid UTF-8.
func (r *Report) clean() error {
	for _, row := range r.Rows {
		if len(row) != len(r.Columns) {
			return fmt.Errorf("%d columns are described, %d selected", len(r.Columns), len(row))
		}
		for i, v := range row {
			var err error
			if row[i], err = cleanValue(v); err != nil {
				return fmt.Errorf("column %s: %w", r.Columns[i].Name, err)
			}
		}
	}
	for i, n := range r.Notes {
		r.Notes[i] = cleanText(n)
	}
	return nil
}

func cleanValue(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, int64:
		return v, nil
	case string:
		return cleanText(v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, nil
		}
		return v, nil
	}
	return nil, fmt.Errorf("a value of type %T: cast it in the statement", v)
}

func cleanText(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
