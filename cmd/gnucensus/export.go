package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gnucensus/reports/exchange"
)

const exportHelp = `
The ending of FILE tells the format: %s. FILE.json beside it describes it: what is measured how, in which units, from
where; rows and checksums.

Addresses, ports, servent GUIDs and addresses inside texts are replaced, so that hosts cannot be told; prefixes that hosts
share stay shared. With --key the same host is replaced alike in each export; whoever has the key can undo it.

Example:
  gnucensus export %s`

const exportAllHelp = `
DIR holds a file for each table and datapackage.json, which describes them: what is measured how, in which units, from where;
rows and checksums. gnucensus import DIR makes a snapshot of it that gives the same reports.

Addresses, ports, servent GUIDs and addresses inside texts are replaced, so that hosts cannot be told; prefixes that hosts
share stay shared. With --key the same host is replaced alike in each export; whoever has the key can undo it.

Examples:
  gnucensus export all -o census --key census.key
  gnucensus export all -o census --as csv.zst --addresses --snapshot 3`

func (p *program) exportCommand() *cli.Command {
	command := func(contents, usage, output, help string, more ...cli.Flag) *cli.Command {
		return &cli.Command{
			Name:        contents,
			Usage:       usage,
			Description: strings.TrimSpace(help),
			Flags: append([]cli.Flag{
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `" + output + "`"},
				&cli.Int64Flag{Name: "snapshot", Usage: "export snapshot `N`", DefaultText: "the latest"},
				&cli.StringFlag{Name: "key", Usage: "replace addresses under the key in `FILE`, which is made if it is not there"},
				&cli.BoolFlag{Name: "addresses", Usage: "write addresses as they are"},
				&cli.BoolFlag{Name: "force", Usage: "replace an export that is there"},
			}, more...),
			Action: func(c *cli.Context) error { return p.export(c, contents) },
		}
	}
	tables := ".csv, .csv.gz, .csv.zst, .parquet"
	graphs := tables + ", .graphml, .txt (an edge list), both also with .gz or .zst"
	help := func(endings, example string) string { return fmt.Sprintf(exportHelp, endings, example) }
	return &cli.Command{
		Name:  "export",
		Usage: "write a snapshot to files that other programs read",
		Subcommands: []*cli.Command{
			command(exchange.Hosts, "every host, with the best that its conversations gave", "FILE",
				help(tables, "hosts -o hosts.csv.zst")),
			command(exchange.Edges, "every link between two hosts", "FILE", help(graphs, "edges -o overlay.graphml")),
			command(exchange.Hits, "every answer to a query", "FILE", help(tables, "hits -o hits.parquet --snapshot 3")),
			command(exchange.All, "everything that was seen, for gnucensus import", "DIR", exportAllHelp,
				&cli.StringFlag{Name: "as", Value: "parquet", Usage: "write the tables as `F`: parquet, csv, csv.gz or csv.zst"}),
		},
	}
}

func (p *program) export(c *cli.Context, contents string) error {
	r, err := readRequest(c, contents)
	if err != nil {
		return err
	}
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	if !c.Bool("addresses") {
		if r.Key, err = p.exportKey(c.String("key")); err != nil {
			return err
		}
	}
	return p.use(c, func(db *database) error {
		if !c.IsSet("snapshot") {
			if r.Snapshot, err = db.Latest(c.Context); err != nil {
				return snapshotAdvice(err)
			}
		}
		written := &rowCount{started: time.Now()}
		r.Rows = &written.rows
		err := p.talk.during(c.Context, written, func() error { return exchange.Export(c.Context, db.DB, r) })
		if err != nil {
			return snapshotAdvice(exportAdvice(err))
		}
		done := facts{{"snapshot", r.Snapshot}, {"written", r.Path}, {"rows", written.rows.Load()}, {"addresses", "replaced"}}
		if r.Key == nil {
			done[3].value = "exact"
		}
		return done.print(p.stdout, form)
	})
}

// readRequest takes a request from the flags of export, but for the key.
func readRequest(c *cli.Context, contents string) (exchange.Request, error) {
	if _, err := arguments(c); err != nil {
		return exchange.Request{}, err
	}
	r := exchange.Request{
		Contents: contents,
		Path:     c.String("output"),
		Snapshot: c.Int64("snapshot"),
		Force:    c.Bool("force"),
		Version:  version(),
	}
	if contents == exchange.All {
		r.Ending = "." + c.String("as")
	}
	switch {
	case r.Path == "":
		return r, usage(helpHint(c), "%s-o is missing", within(c))
	case c.Bool("addresses") && c.String("key") != "":
		return r, usage("--key is for replacing addresses.", "%s--addresses and --key exclude each other", within(c))
	}
	err := r.Check()
	if form := new(exchange.FormatError); contents == exchange.All && errors.As(err, &form) {
		known := strings.Trim(strings.ReplaceAll(strings.Join(form.Known, ", "), ", .", ", "), ".")
		return r, usage("Formats: "+known+".", "%s--as: %q is not known here", within(c), c.String("as"))
	}
	return r, exportAdvice(err)
}

// exportKey returns the key in a file, or one that nobody keeps when no file is named.
func (p *program) exportKey(file string) (*exchange.Key, error) {
	if file == "" {
		key := exchange.NewKey()
		fmt.Fprintln(p.talk, "Addresses are replaced under a key that is not kept; --key FILE keeps one, for exports to compare.")
		return &key, nil
	}
	key, made, err := exchange.LoadKey(file)
	if err != nil {
		return nil, advise(err, "A key is 64 hexadecimal digits; a file that is not there is made with a new one.")
	}
	if made {
		fmt.Fprintf(p.talk, "Made %s, a new key. Keep it secret: whoever has it can tell the hosts of an export.\n", file)
	}
	return &key, nil
}

// exportAdvice tells what to do about a target that does not suit.
func exportAdvice(err error) error {
	var form *exchange.FormatError
	var exists *exchange.ExistsError
	switch {
	case errors.As(err, &form):
		return usage("Endings: "+strings.Join(form.Known, ", ")+".", "%w", err)
	case errors.As(err, &exists):
		return advise(err, "--force replaces it.")
	}
	return err
}
