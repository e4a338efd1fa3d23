package storage_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

const tookOf = "SELECT method, took_us FROM report.observation WHERE snapshot_id = $1 ORDER BY observation_id"

// A conversation that took no time took 0 µs; what was none took nothing that could be measured.
func TestOnlyConversationsTakeTime(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	s := begin(t, db)
	var obs []probe.Observation
	var want [][]any
	for i, m := range methods {
		o := talk(host(i), m, probe.OutOfScope)
		o.Took = time.Duration(i) * time.Millisecond
		obs = append(obs, o)
		if m == probe.PassedOver || m == probe.Import {
			want = append(want, []any{string(m), nil})
		} else {
			want = append(want, []any{string(m), int64(1000 * i)})
		}
	}
	record(t, s, obs...)
	if diff := cmp.Diff(want, selectRows(t, db, tookOf, s.ID())); diff != "" {
		t.Errorf("a crawl (-want +got):\n%s", diff)
	}
	graph, err := db.ImportEdges(t.Context(), meta, edges(storage.Edge{From: 1, To: 2}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]any{{"import", nil}}, selectRows(t, db, tookOf, graph)); diff != "" {
		t.Errorf("a graph (-want +got):\n%s", diff)
	}
	passed := small()
	passed["observation"][0][2], passed["observation"][0][5] = "none", nil
	again, err := db.ImportSnapshot(t.Context(), imported, passed.rows)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]any{{"none", nil}, {"query", int64(12)}}, selectRows(t, db, tookOf, again)); diff != "" {
		t.Errorf("an import (-want +got):\n%s", diff)
	}
}

// Who reads the table or the view learns every method from the comment on its column.
func TestCommentsNameAllMethods(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	for _, relation := range []string{"observation", "report.observation"} {
		comment := selectRows(t, db, `
			SELECT col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'method'`,
			relation)[0][0].(string)
		words := strings.FieldsFunc(comment, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz-", r) })
		for _, m := range methods {
			if !slices.Contains(words, string(m)) {
				t.Errorf("the comment on %s.method does not name %s: %s", relation, m, comment)
			}
		}
	}
}
