package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"gnucensus/sql"
)

// keptRows is how many rows an answer may have to be kept: more are hits, each of which a figure shows.
const keptRows = 1_000_000

// Answer selects, as [DB.Select] does, what a snapshot tells that had a size before. When its hosts are kept, so is the answer:
// the same statement with the same arguments is answered without a look at a host, as long as the hosts stay kept.
func (db *DB) Answer(ctx context.Context, id int64, at Size, statement string, args ...any) (*Rows, error) {
	question := sha256.Sum256(fmt.Appendf(nil, "%s\n%v", statement, args))
	named := pgx.NamedArgs{
		"snapshot": id, "endpoints": at.Endpoints, "observations": at.Observations, "question": hex.EncodeToString(question[:]),
	}
	var kept []byte
	err := db.pool.QueryRow(ctx, sql.Query("kept_answer"), named).Scan(&kept)
	if err == nil {
		return decodeRows(kept)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("look for an answer of snapshot %d: %w", id, err)
	}
	answer, err := db.Select(ctx, statement, args...)
	if err != nil || len(answer.Values) > keptRows {
		return answer, err
	}
	if named["answer"], err = encodeRows(answer); err != nil {
		return nil, err
	}
	if _, err := db.pool.Exec(ctx, sql.Query("keep_answer"), named); err != nil {
		return nil, fmt.Errorf("keep an answer of snapshot %d: %w", id, err)
	}
	return answer, nil
}

// null stands for nil in what is encoded, where no value may be that.
type null struct{ Null bool }

func init() {
	gob.Register(null{})
	gob.Register(time.Time{})
}

// encodeRows writes rows so that each value keeps its type.
func encodeRows(r *Rows) ([]byte, error) {
	encoded := Rows{Columns: r.Columns, Values: replaced(r.Values, nil, null{})}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(encoded); err != nil {
		return nil, fmt.Errorf("encode rows: %w", err)
	}
	return b.Bytes(), nil
}

func decodeRows(encoded []byte) (*Rows, error) {
	r := &Rows{}
	if err := gob.NewDecoder(bytes.NewReader(encoded)).Decode(r); err != nil {
		return nil, fmt.Errorf("decode rows: %w", err)
	}
	r.Values = replaced(r.Values, null{}, nil)
	return r, nil
}

// replaced is a copy of rows in which one value stands in place of another.
func replaced(rows [][]any, value, by any) [][]any {
	var all [][]any
	for _, row := range rows {
		row = slices.Clone(row)
		for i := range row {
			if row[i] == value {
				row[i] = by
			}
		}
		all = append(all, row)
	}
	return all
}
