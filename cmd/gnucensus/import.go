package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gnucensus/probe"
	"gnucensus/reports"
	"gnucensus/reports/exchange"
	"gnucensus/storage"
)

func (p *program) importCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "make a snapshot of an export, or of somebody else's crawl",
		ArgsUsage: "DIR",
		Description: strings.TrimSpace(`
DIR is what gnucensus export all wrote. Its checksums are compared first, and its rows counted. The snapshot gives the reports
that the original gave; where addresses were replaced, it holds those that stand for them.

Examples:
  gnucensus import census
  gnucensus import edges p2p-Gnutella08.txt.gz`),
		Action: p.importExport,
		Subcommands: []*cli.Command{{
			Name:      "edges",
			Usage:     "read a graph: two host numbers a line, from and to",
			ArgsUsage: "FILE",
			Description: strings.TrimSpace(`
FILE is an edge list such as those of the Stanford Network Analysis Project; comments begin with #, what gzip or zstd
compressed is unpacked, - reads standard input. A host with a link that goes out was visited, all others were only heard of.

Example:
  gnucensus import edges p2p-Gnutella08.txt.gz`),
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "vantage", Value: "published", Usage: "call the place that they measured from `NAME`"},
			},
			Action: p.importEdges,
		}},
	}
}

func (p *program) importExport(c *cli.Context) error {
	args, err := arguments(c, "DIR")
	if err != nil {
		return err
	}
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	return p.use(c, func(db *database) error {
		read := &rowCount{started: time.Now()}
		var id int64
		err := p.talk.during(c.Context, read, func() (err error) {
			id, err = exchange.Import(c.Context, db.DB, args[0], &read.rows)
			return err
		})
		switch {
		case errors.Is(err, exchange.ErrPart):
			return advise(err, "What gnucensus export all writes can be imported, and edge lists by gnucensus import edges FILE.")
		case err != nil:
			return advise(err, "Nothing was stored.")
		}
		if err := keepImported(c.Context, db, id); err != nil {
			return err
		}
		info, err := db.info(c.Context, id)
		if err != nil {
			return err
		}
		return describe(info).print(p.stdout, form)
	})
}

func (p *program) importEdges(c *cli.Context) error {
	args, err := arguments(c, "FILE")
	if err != nil {
		return err
	}
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	in, err := p.openInput(args[0])
	if err != nil {
		return advise(err, "The file must be an edge list: two host numbers a line.")
	}
	defer in.Close()
	return p.measure(c, func(db *database) error {
		meta := storage.Meta{
			Network: string(probe.Gnutella),
			Vantage: c.String("vantage"),
			Version: version(),
			Source:  filepath.Base(args[0]),
		}
		id, err := db.ImportEdges(c.Context, meta, storage.ReadEdges(in))
		if err != nil {
			return advise(fmt.Errorf("%s: %w", args[0], err), "Nothing was stored.")
		}
		if err := keepImported(c.Context, db, id); err != nil {
			return err
		}
		coverage, err := db.Coverage(c.Context, id)
		if err != nil {
			return err
		}
		return facts{
			{"snapshot", id}, {"heard", coverage.Heard}, {"visited", coverage.Visited}, {"edges", coverage.Edges},
		}.print(p.stdout, form)
	})
}

// keepImported keeps what reports need of a snapshot that an import has stored.
func keepImported(ctx context.Context, db *database, id int64) error {
	return advise(reports.Keep(ctx, db.DB, id, version()),
		fmt.Sprintf("Snapshot %d is stored whole; its first report does what is left.", id))
}

// openInput opens a file, or standard input for "-", and unpacks it.
func (p *program) openInput(name string) (io.ReadCloser, error) {
	if name == "-" {
		return exchange.Unpack(p.stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	content, err := exchange.Unpack(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	return unpackedFile{content, f}, nil
}

type unpackedFile struct {
	io.ReadCloser
	file *os.File
}

func (u unpackedFile) Close() error { return errors.Join(u.ReadCloser.Close(), u.file.Close()) }
