package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"gnucensus/probe"
	"gnucensus/storage"
	"gnucensus/storage/spool"
)

func (p *program) snapshotCommand() *cli.Command {
	return &cli.Command{
		Name:  "snapshot",
		Usage: "list, show, resume and delete snapshots",
		Subcommands: []*cli.Command{
			{
				Name:   "list",
				Usage:  "list all snapshots, the oldest first",
				Action: p.listSnapshots,
			},
			{
				Name:      "show",
				Usage:     "tell how a snapshot was made and how much it saw",
				ArgsUsage: "N",
				Action:    p.showSnapshot,
			},
			{
				Name:  "resume",
				Usage: "go on with a crawl that was stopped or killed, by its own flags",
				Description: "Hosts that were visited are not visited again. A host of the live network that the run before may have\n" +
					"asked waits as long as after any question. --max-hosts and --duration of the crawl count anew.\n" +
					"A complete snapshot stays as it is, unless this machine was the limit of a visit, or queries are left to ask.\n\n" +
					"Example:\n  gnucensus snapshot resume 3",
				ArgsUsage: "N",
				Flags:     []cli.Flag{metricsFlag()},
				Action:    p.resumeSnapshot,
			},
			{
				Name:      "delete",
				Usage:     "delete a snapshot and all that it saw, for good",
				ArgsUsage: "N",
				Action:    p.deleteSnapshot,
			},
		},
	}
}

// snapshotNumber reads the one argument of a command that acts on a snapshot.
func snapshotNumber(c *cli.Context) (int64, error) {
	args, err := arguments(c, "N, the number of a snapshot,")
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return 0, usage("gnucensus snapshot list tells the numbers.", "%s%q is no number of a snapshot", within(c), args[0])
	}
	return id, nil
}

func (p *program) listSnapshots(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	return p.use(c, func(db *database) error {
		infos, err := db.Snapshots(c.Context)
		if err != nil {
			return err
		}
		tell := describe
		if form == "table" {
			tell = brief
		}
		list := make([]facts, 0, len(infos))
		for _, s := range infos {
			list = append(list, tell(s))
		}
		if len(list) == 0 {
			fmt.Fprintln(p.talk, "No snapshots yet: gnucensus crawl makes one.")
		}
		return printList(p.stdout, form, list)
	})
}

func (p *program) showSnapshot(c *cli.Context) error {
	id, err := snapshotNumber(c)
	if err != nil {
		return err
	}
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	return p.use(c, func(db *database) error {
		info, err := db.info(c.Context, id)
		if err != nil {
			return snapshotAdvice(err)
		}
		coverage, err := db.Coverage(c.Context, id)
		if err != nil {
			return err
		}
		shown := slices.DeleteFunc(describe(info), func(f fact) bool { return f.name == "heard" })
		shown = append(shown, covered(coverage)...)
		if form == "json" {
			return append(shown, fact{"configuration", info.Configuration}).print(p.stdout, form)
		}
		settings, err := configured(info.Configuration)
		if err != nil {
			return err
		}
		return append(shown, settings...).print(p.stdout, form)
	})
}

func (p *program) resumeSnapshot(c *cli.Context) error {
	outliveReader()
	id, err := snapshotNumber(c)
	if err != nil {
		return err
	}
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	return p.use(c, func(db *database) error {
		info, err := db.info(c.Context, id)
		if err != nil {
			return snapshotAdvice(err)
		}
		if info.Source != "" {
			return snapshotAdvice(fmt.Errorf("resume snapshot %d: %w", id, storage.ErrImported))
		}
		var s settings
		if err := json.Unmarshal(info.Configuration, &s); err != nil {
			return fmt.Errorf("read configuration of snapshot %d: %w", id, err)
		}
		if over, err := s.over(c.Context, db.DB, info); err != nil {
			return err
		} else if over {
			fmt.Fprintf(p.talk, "snapshot %d is complete: nothing is left to do, and it stays as it is\n", id)
			coverage, err := db.Coverage(c.Context, id)
			if err != nil {
				return err
			}
			return append(facts{{"snapshot", id}, {"state", info.State}}, covered(coverage)...).print(p.stdout, form)
		}
		s.AskedUntil = time.Now() // of a killed run nobody knows when it ended
		if info.Ended != nil {
			s.AskedUntil = *info.Ended
		}
		census, err := p.newCensus(probe.Network(info.Network), s)
		if err != nil {
			return err
		}
		if err := census.watch(c.String("metrics")); err != nil {
			return err
		}
		defer census.close()
		snapshot, err := p.reopen(c.Context, db, id)
		if err != nil {
			return snapshotAdvice(err)
		}
		return p.take(c.Context, census, db, snapshot, nil, form)
	})
}

// over tells whether a snapshot is complete and a run of it would find nothing to do.
func (s settings) over(ctx context.Context, db *storage.DB, info storage.SnapshotInfo) (bool, error) {
	if info.State != storage.StateComplete {
		return false, nil
	}
	left, err := db.Left(ctx, info.ID)
	if err != nil || left > 0 {
		return false, err
	}
	candidates, pending, err := s.planQueries(ctx, db, info.ID)
	if err != nil {
		return false, err
	}
	queries, _ := s.toAsk(candidates, pending)
	return queries == 0, nil
}

// reopen opens a snapshot to go on with, after storing what an earlier run kept on disk for it.
func (p *program) reopen(ctx context.Context, db *database, id int64) (*storage.Snapshot, error) {
	snapshot, err := db.Resume(ctx, id)
	if err != nil {
		return nil, err
	}
	path, err := db.spoolOf(ctx, id)
	if err != nil {
		snapshot.Close()
		return nil, err
	}
	waited, err := spool.Drain(ctx, path, snapshot)
	if err != nil || waited == 0 {
		if err != nil {
			snapshot.Close()
		}
		return snapshot, err
	}
	fmt.Fprintf(p.talk, "stored %s that waited in %s\n", many(waited, "observation"), path)
	snapshot.Close()
	return db.Resume(ctx, id) // what is left to visit is another now
}

func (p *program) deleteSnapshot(c *cli.Context) error {
	id, err := snapshotNumber(c)
	if err != nil {
		return err
	}
	return p.use(c, func(db *database) error {
		if err := db.Delete(c.Context, id); err != nil {
			return snapshotAdvice(err)
		}
		fmt.Fprintf(p.talk, "snapshot %d is deleted\n", id)
		return nil
	})
}
