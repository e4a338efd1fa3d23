package figure

import (
	"fmt"
	"iter"
)

// table is the answer to a statement.
type table struct {
	columns map[string]int
	values  [][]any
}

// row is one row of it. To ask for a column that is not there is a mistake of the programmer, and panics.
type row struct {
	*table
	values []any
}

func (t *table) rows() iter.Seq[row] {
	return func(yield func(row) bool) {
		for _, values := range t.values {
			if !yield(row{t, values}) {
				return
			}
		}
	}
}

func (r row) value(column string) any {
	i, found := r.columns[column]
	if !found {
		panic(fmt.Sprintf("no column %s", column))
	}
	return r.values[i]
}

// number returns a value, and whether it was measured and exists.
func (r row) number(column string) (x float64, known bool) {
	switch v := r.value(column).(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, finite(v)
	}
	return 0, false
}

// count returns a number of things, 0 where there is none.
func (r row) count(column string) int {
	n, _ := r.value(column).(int64)
	return int(n)
}

// text returns a text as it can be drawn, empty where there is none.
func (r row) text(column string) string {
	s, _ := r.value(column).(string)
	return drawable(s)
}
