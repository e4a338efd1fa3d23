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
	Values  [][]any // nil (NULL), bool, int64, float64, string, time.Time (UTC) or []string
}

// Select runs one statement that reads, in a transaction that cannot write, and returns all its rows: it is for reports,
// whose answers are short. A value of a type that [Rows] does not list is an error; cast it to text in the statement.
func (db *DB) Select(ctx context.Context, statement string, args ...any) (*Rows, error) {
	answer := &Rows{}
	begin := func(ctx context.Context) (pgx.Tx, error) {
		return db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	}
	err := transact(ctx, begin, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, statement, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for _, f := range rows.FieldDescriptions() {
			answer.Columns = append(answer.Columns, f.Name)
		}
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				return err
			}
			for i := range values {
				if values[i], err = plain(values[i]); err != nil {
					return fmt.Errorf("column %s: %w", answer.Columns[i], err)
				}
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
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = fmt.Sprint(v[i])
		}
		return texts, nil
	}
	return nil, fmt.Errorf("type %T is not for reports, cast it to text", v)
}
