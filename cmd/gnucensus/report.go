package main

import (
	"errors"
	"io"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"gnucensus/reports"
	"gnucensus/storage"
)

// reportCommand has a subcommand for each report, so that help and completion know them all.
func (p *program) reportCommand() *cli.Command {
	snapshot := func() cli.Flag { // each command binds its own
		return &cli.Int64Flag{Name: "snapshot", Usage: "report on snapshot `N`", DefaultText: "the latest"}
	}
	report := &cli.Command{
		Name:        "report",
		Usage:       "print a report on a snapshot; without a name, list the reports",
		Description: "Examples:\n  gnucensus report freeriders\n  gnucensus report topology --snapshot 3 --format csv",
		Action:      func(c *cli.Context) error { return p.listReports(c) },
	}
	for _, info := range reports.List() {
		report.Subcommands = append(report.Subcommands, &cli.Command{
			Name:        info.Name,
			Usage:       info.Title,
			Description: info.About,
			Flags:       []cli.Flag{snapshot()},
			Action:      func(c *cli.Context) error { return p.report(c, info.Name) },
		})
	}
	report.Subcommands = append(report.Subcommands, p.pageCommand())
	return report
}

func (p *program) listReports(c *cli.Context) error {
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	var list []facts
	for _, info := range reports.List() {
		list = append(list, facts{{"report", info.Name}, {"title", info.Title}})
	}
	return printList(p.stdout, form, list)
}

func (p *program) report(c *cli.Context, name string) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	form, err := format(c, reports.Formats()...)
	if err != nil {
		return err
	}
	return p.measure(c, func(db *database) error {
		id, err := db.chosen(c)
		if err != nil {
			return err
		}
		r, err := reports.Run(c.Context, db.DB, name, id, version())
		if err != nil {
			return snapshotAdvice(err)
		}
		return r.Write(p.stdout, reports.Format(form), width(p.stdout))
	})
}

// width is the width of the terminal, 0 when w is none.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return columns
		}
	}
	return 0
}

// snapshotAdvice tells what to do about a snapshot that is not there or cannot be written.
func snapshotAdvice(err error) error {
	switch {
	case errors.Is(err, storage.ErrNoSnapshot):
		return advise(err, "gnucensus snapshot list tells which there are; gnucensus crawl makes one.")
	case errors.Is(err, storage.ErrBusy):
		return advise(err, "Wait for the process that writes it, or stop it by Ctrl-C.")
	case errors.Is(err, storage.ErrImported):
		return advise(err, "Only a crawl can be resumed.")
	}
	return err
}
