package sql_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"gnucensus/probe"
	"gnucensus/sql"
	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

// TestStatementsPrepare has the server read every statement, so that a typing error or a column that is gone shows here.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	dsn := storagetest.DSN(t)
	db, err := storage.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, folder := range []string{"queries", "reports", "exports"} {
		for name, text := range files(t, folder) {
			statement, _, err := pgx.NamedArgs{}.RewriteQuery(t.Context(), conn, text, nil)
			if err != nil {
				t.Errorf("%s/%s: %v", folder, name, err)
				continue
			}
			prepared, err := conn.Prepare(t.Context(), "", statement)
			if err != nil {
				t.Errorf("%s/%s: %v", folder, name, err)
				continue
			}
			if n := len(prepared.ParamOIDs); folder == "exports" && n != 1 {
				t.Errorf("%s/%s: %d parameters, want the snapshot alone", folder, name, n)
			}
			if n := len(prepared.ParamOIDs); folder == "reports" && n != 1 && n != 2 {
				t.Errorf("%s/%s: %d parameters, want the snapshot and at most the version", folder, name, n)
			}
		}
	}
}

// TestEverythingHasAComment looks at what psql shows: tables, views and all of their columns explain themselves.
func TestEverythingHasAComment(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	rows, err := db.Select(t.Context(), `
		SELECT n.nspname || '.' || c.relname || COALESCE('.' || a.attname, '')
		FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace
		CROSS JOIN LATERAL (
			SELECT 0 AS attnum, NULL AS attname
			UNION ALL
			SELECT attnum, attname FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
		) a
		WHERE n.nspname IN ('public', 'report')
			AND c.relkind IN ('r', 'v')
			AND c.relname <> 'gnucensus_migration'
			AND COALESCE(col_description(c.oid, a.attnum), '') = ''
			AND (a.attnum > 0 OR COALESCE(obj_description(c.oid, 'pg_class'), '') = '')
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows.Values {
		t.Errorf("%s has no comment", r[0])
	}
}

// TestOutcomes compares the words of probe with those of the view and of the type.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	rows, err := db.Select(t.Context(), "SELECT outcome, rank, reached, visited FROM report.outcome ORDER BY rank")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for i, r := range rows.Values {
		outcome := probe.Outcome(r[0].(string))
		words = append(words, string(outcome))
		want := []any{string(outcome), int64(i + 1), outcome.Reached(), outcome.Visited()}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("%s (-want +got):\n%s", outcome, diff)
		}
	}
	ofType, err := db.Select(t.Context(), "SELECT enum_range(NULL::outcome)::text[]")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]any{{words}}, ofType.Values); diff != "" {
		t.Errorf("words (-view +type):\n%s", diff)
	}
	slices.Sort(words)
	if diff := cmp.Diff(outcomesInGo(t), words); diff != "" {
		t.Errorf("words (-probe +view):\n%s", diff)
	}
}

// outcomesInGo reads the constants of type Outcome, sorted.
func outcomesInGo(t *testing.T) (words []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../probe/outcome.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for node := range ast.Preorder(file) {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			continue
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != "Outcome" {
			continue
		}
		for _, v := range spec.Values {
			word, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return words
}

// TestViewsAreNamedAfterTheirFile keeps a definition easy to find: view x is in views/NN_x.sql, and nothing else is.
func TestViewsAreNamedAfterTheirFile(t *testing.T) {
	t.Parallel()
	for name, text := range files(t, "views") {
		_, view, _ := strings.Cut(strings.TrimSuffix(name, ".sql"), "_")
		if n := strings.Count(text, "CREATE VIEW"); n > 1 || n == 1 && !strings.Contains(text, "CREATE VIEW report."+view+" ") {
			t.Errorf("views/%s does not define report.%s, or not it alone", name, view)
		}
	}
}

func TestQueryPanicsWithoutAFile(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a statement that is not there was found")
		}
	}()
	sql.Query("no_such_statement")
}

// files reads all SQL files of a folder, by name.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	names, err := fs.Glob(sql.Files, folder+"/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatalf("no files in %s", folder)
	}
	texts := map[string]string{}
	for _, name := range names {
		text, err := sql.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[path.Base(name)] = string(text)
	}
	return texts
}
