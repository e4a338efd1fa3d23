package storage

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Rows is the whole answer to a statement.
type Rows struct {
	Columns []string
	Values  [][]any // nil (NULL), bool, int64, float64, string, time.Time (UTC), []string or []int64
}

// Select runs one statement that reads, in a transaction that cannot write, and returns all its rows: it is for reports,
// whose answers are short. A value of a type that [Rows] does not list is an error; cast it to text in the statement.
func (db *DB) Select(ctx context.Context, statement string, args ...any) (*Rows, error) {
	answer := &Rows{}
	err := transact(ctx, db.beginReading, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, statement, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for _, f := range rows.FieldDescriptions() {
			answer.Columns = append(answer.Columns, f.Name)
		}
		for rows.Next() {
			values, err := rowValues(rows)
			if err != nil {
				return err
			}
			answer.Values = append(answer.Values, values)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return answer, nil
}

// rowValues returns the row at hand.
func rowValues(rows pgx.Rows) ([]any, error) {
	values, err := rows.Values()
	if err != nil {
		return nil, err
	}
	for i := range values {
		if values[i], err = plain(values[i]); err != nil {
			return nil, fmt.Errorf("column %s: %w", rows.FieldDescriptions()[i].Name, err)
		}
	}
	return values, nil
}

// plain turns what the driver makes of a value into one of the few types of Rows.
func plain(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		return v, nil
	case int16:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case float32:
		return float64(v), nil
	case time.Time:
		return v.UTC(), nil
	case pgtype.Numeric:
		f, err := v.Float64Value()
		return f.Float64, err
	case netip.Prefix:
		return v.Addr().String(), nil
	case [16]byte:
		return pgtype.UUID{Bytes: v, Valid: true}.String(), nil
	case []any:
		return plainList(v), nil
	}
	return nil, fmt.Errorf("type %T is not for reports, cast it to text", v)
}

// plainList gives numbers where all are such, texts otherwise.
func plainList(list []any) any {
	numbers := make([]int64, len(list))
	for i, v := range list {
		n, ok := v.(int32)
		if !ok {
			return textList(list)
		}
		numbers[i] = int64(n)
	}
	return numbers
}

func textList(list []any) []string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = fmt.Sprint(v)
	}
	return texts
}
