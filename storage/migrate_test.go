package storage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"gnucensus/storage"
	"gnucensus/storage/storagetest"
)

func TestMigrateByManyAtOnce(t *testing.T) {
	t.Parallel()
	dsn := storagetest.DSN(t)
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			db, err := storage.Open(t.Context(), dsn)
			if err != nil {
				return err
			}
			defer db.Close()
			return db.Migrate(t.Context())
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	db := migrated(t, dsn)
	if got := selectRows(t, db, "SELECT count(*) FROM report.coverage"); !cmp.Equal(got, [][]any{{int64(0)}}) {
		t.Errorf("coverage of an empty database has %v rows", got)
	}
}

func TestMigrateAgain(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	const views = "SELECT oid::bigint FROM pg_class WHERE relnamespace = 'report'::regnamespace ORDER BY 1"
	if _, err := storage.Pool(db).Exec(t.Context(), "CREATE VIEW mine AS SELECT * FROM report.host"); err != nil {
		t.Fatal(err)
	}
	before := selectRows(t, db, views)
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, selectRows(t, db, views)); diff != "" {
		t.Errorf("views were made anew though their text is the same:\n%s", diff)
	}
	selectRows(t, db, "SELECT * FROM mine")
}

func TestMigrateRenewsChangedViews(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	_, err := storage.Pool(db).Exec(t.Context(), "DROP VIEW report.coverage; COMMENT ON SCHEMA report IS 'views of yesterday'")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	selectRows(t, db, "SELECT * FROM report.coverage")
}
