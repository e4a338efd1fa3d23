package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/urfave/cli/v2"

	"gnucensus/storage"
	"gnucensus/storage/cluster"
)

// A database is the one that the flags name, open and with the tables of this version.
type database struct {
	*storage.DB
	dsn     string
	private *cluster.Cluster // nil when --database names another
	cluster cluster.Config
}

// open opens the database that --database names, the private one without that flag.
func (p *program) open(c *cli.Context) (*database, error) {
	db := &database{dsn: c.String("database"), cluster: p.clusterConfig(c)}
	if db.dsn == "" {
		private, err := cluster.Open(c.Context, db.cluster)
		if err != nil {
			return nil, err
		}
		db.private, db.dsn = private, private.DSN()
	}
	var err error
	if db.DB, err = connect(c.Context, db.dsn); err == nil {
		err = db.Migrate(c.Context)
	}
	if err != nil {
		return nil, db.explain(errors.Join(err, db.close()))
	}
	return db, nil
}

// connect opens the database at a URL.
func connect(ctx context.Context, dsn string) (*storage.DB, error) {
	db, err := storage.Open(ctx, dsn)
	if errors.Is(err, storage.ErrURL) {
		return nil, usage("--database takes a URL, postgres://USER@HOST:PORT/NAME, or words, host=HOST port=PORT dbname=NAME.",
			"%w", err)
	}
	return db, err
}

// explain tells where to make room when the disk of the server is full.
func (db *database) explain(err error) error {
	switch {
	case !storage.DiskFull(err):
		return err
	case db.private == nil:
		return advise(err, "Make room on the disk of the database server.")
	}
	return advise(err, "Make room on "+db.private.Dir()+".")
}

// close gives up the connections, and the share in the private server.
func (db *database) close() error {
	if db.DB != nil {
		db.Close()
	}
	if db.private == nil {
		return nil
	}
	return db.private.Close()
}

// again opens a snapshot whose database was lost. A private server that has ended is started again.
func (db *database) again(ctx context.Context, id int64) (*storage.Snapshot, error) {
	if db.private != nil {
		private, err := cluster.Open(ctx, db.cluster)
		if err != nil {
			return nil, err
		}
		was := db.private
		db.private = private
		if err := was.Close(); err != nil { // the new share keeps the server up
			return nil, err
		}
	}
	return db.Resume(ctx, id)
}

// spoolOf is the file for what is seen of a snapshot while its database is away. When the snapshot began tells it from one of
// another database with the same number.
func (db *database) spoolOf(ctx context.Context, id int64) (string, error) {
	info, err := db.info(ctx, id)
	if err != nil {
		return "", err
	}
	dir := db.cluster.Dir
	if dir == "" {
		if dir, err = cluster.DefaultDir(); err != nil {
			return "", err
		}
	}
	name := fmt.Sprintf("%d-%d", id, info.Started.UnixMicro())
	return filepath.Abs(filepath.Join(dir, cluster.SpoolFolder, name))
}

func (p *program) clusterConfig(c *cli.Context) cluster.Config {
	return cluster.Config{Dir: c.String("data"), Log: p.log}
}

// use runs work with an open database. Its own error comes before one of closing.
func (p *program) use(c *cli.Context, work func(*database) error) error {
	db, err := p.open(c)
	if err != nil {
		return err
	}
	return db.explain(errors.Join(work(db), db.close()))
}

// info describes one snapshot.
func (db *database) info(ctx context.Context, id int64) (storage.SnapshotInfo, error) {
	infos, err := db.Snapshots(ctx)
	if err != nil {
		return storage.SnapshotInfo{}, err
	}
	i := slices.IndexFunc(infos, func(s storage.SnapshotInfo) bool { return s.ID == id })
	if i < 0 {
		return storage.SnapshotInfo{}, fmt.Errorf("find snapshot %d: %w", id, storage.ErrNoSnapshot)
	}
	return infos[i], nil
}

// measure is use for work on whole graphs. These are a few large arrays without pointers: to look for what can be freed often
// costs little, and a million hosts then fit in half the memory.
func (p *program) measure(c *cli.Context, work func(*database) error) error {
	debug.SetGCPercent(25)
	return p.use(c, work)
}
