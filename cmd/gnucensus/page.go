package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"gnucensus/reports/page"
)

// pageCommand writes all reports and figures as one page.
func (p *program) pageCommand() *cli.Command {
	return &cli.Command{
		Name:  "html",
		Usage: "All reports with their figures, as one page",
		Description: "The page is one file: it asks for nothing from elsewhere and needs no script.\n\n" +
			"Examples:\n  gnucensus report html -o census.html\n  gnucensus report html --snapshot 3 -o - >census.html",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the page to `FILE`; - is standard output"},
			&cli.Int64Flag{Name: "snapshot", Usage: "report on snapshot `N`", DefaultText: "the latest"},
		},
		Action: p.page,
	}
}

func (p *program) page(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	if c.IsSet("format") {
		if _, err := format(c, "html"); err != nil {
			return err
		}
	}
	file := c.String("output")
	if file == "" {
		return usage(helpHint(c), "%s--output FILE is missing", within(c))
	}
	return p.measure(c, func(db *database) error {
		id, err := db.chosen(c)
		if err != nil {
			return err
		}
		write := func(w io.Writer) error {
			return snapshotAdvice(page.Write(c.Context, db.DB, id, version(), w))
		}
		if file == "-" {
			return write(p.stdout)
		}
		return writeFile(file, write)
	})
}

// chosen is the snapshot that --snapshot names, the latest without that flag.
func (db *database) chosen(c *cli.Context) (int64, error) {
	if c.IsSet("snapshot") {
		return c.Int64("snapshot"), nil
	}
	id, err := db.Latest(c.Context)
	return id, snapshotAdvice(err)
}

// writeFile writes a file under another name first, so that there is never half of it. An error of write comes back as it is.
func writeFile(name string, write func(io.Writer) error) error {
	const advice = "--output needs a folder that is there, may be written, and has room."
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return advise(fmt.Errorf("write %s: %w", name, err), advice)
	}
	defer os.Remove(f.Name())
	if err := write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return advise(fmt.Errorf("write %s: %w", name, err), advice)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return advise(fmt.Errorf("write %s: %w", name, err), advice)
	}
	return nil
}
