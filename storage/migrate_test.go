package storage_test

import (
	"errors"
	"strings"
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

func TestMigrateWithoutTheRight(t *testing.T) {
	t.Parallel()
	dsn := storagetest.DSN(t)
	execute(t, dsn, "REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO PUBLIC")
	db, err := storage.Open(t.Context(), withParameter(dsn, "role", "pg_monitor"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Migrate(t.Context())
	var refused *storage.ConnectError
	if !errors.As(err, &refused) || !strings.Contains(refused.Reason, "let it own the database") {
		t.Errorf("error %v, want one that tells what to grant", err)
	}
}
