package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"gnucensus/probe"
	"gnucensus/storage"
)

func (p *program) importCommand() *cli.Command {
	return &cli.Command{
		Name:  "import",
		Usage: "make a snapshot of somebody else's crawl",
		Subcommands: []*cli.Command{{
			Name:      "edges",
			Usage:     "read a graph: two host numbers a line, from and to",
			ArgsUsage: "FILE",
			Description: strings.TrimSpace(`
FILE is an edge list such as those of the Stanford Network Analysis Project; comments begin with #, a name that ends in .gz is
unpacked, - reads standard input. A host with a link that goes out was visited, all others were only heard of.

Example:
  gnucensus import edges p2p-Gnutella08.txt.gz`),
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "vantage", Value: "published", Usage: "call the place that they measured from `NAME`"},
			},
			Action: p.importEdges,
		}},
	}
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
	return p.use(c, func(db *database) error {
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
		coverage, err := db.Coverage(c.Context, id)
		if err != nil {
			return err
		}
		return facts{
			{"snapshot", id}, {"heard", coverage.Heard}, {"visited", coverage.Visited}, {"edges", coverage.Edges},
		}.print(p.stdout, form)
	})
}

// openInput opens a file, standard input for "-", and unpacks what ends in .gz.
func (p *program) openInput(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(p.stdin), nil
	}
	f, err := os.Open(name)
	if err != nil || !strings.HasSuffix(name, ".gz") {
		return f, err
	}
	unpacked, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	return struct {
		io.Reader
		io.Closer
	}{unpacked, f}, nil
}
