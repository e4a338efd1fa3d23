package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"gnucensus/reports"
	"gnucensus/reports/figure"
)

// figureCommand has a subcommand for each figure, so that help and completion know them all.
func (p *program) figureCommand() *cli.Command {
	command := &cli.Command{
		Name:  "figure",
		Usage: "draw a figure of a snapshot; without a name, list the figures",
		Description: strings.TrimSpace(`
The ending of the file is its format: .svg for pages and for editing, .pdf for papers, .png for everything else. Method and
coverage are drawn as a caption below, and printed. The same snapshot gives the same file.

Examples:
  gnucensus figure degrees -o degrees.pdf
  gnucensus figure network -o wall.png --width 600 --bare`),
		Action: p.listFigures,
	}
	for _, info := range figure.List() {
		command.Subcommands = append(command.Subcommands, &cli.Command{
			Name:        info.Name,
			Usage:       info.Title,
			Description: info.About,
			Flags:       figureFlags(), // each command binds its own
			Action:      func(c *cli.Context) error { return p.figure(c, info.Name) },
		})
	}
	return command
}

func figureFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the figure to `FILE`: .svg, .png or .pdf"},
		&cli.Int64Flag{Name: "snapshot", Usage: "draw snapshot `N`", DefaultText: "the latest"},
		&cli.Float64Flag{Name: "width", Usage: "make it `MM` millimetres wide", DefaultText: "a column, or a page"},
		&cli.BoolFlag{Name: "bare", Usage: "draw no caption"},
	}
}

func (p *program) listFigures(c *cli.Context) error {
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	var list []facts
	for _, info := range figure.List() {
		list = append(list, facts{{"figure", info.Name}, {"title", info.Title}, {"about", info.About}})
	}
	return printList(p.stdout, form, list)
}

// readFigure reads what the flags of a figure ask for.
func readFigure(c *cli.Context) (figure.Options, error) {
	var o figure.Options
	file := c.String("output")
	if file == "" {
		return o, usage(helpHint(c), "%s--output FILE is missing", within(c))
	}
	var err error
	if o.Format, err = figure.FormatOf(file); err != nil {
		return o, usage(helpHint(c), "--output: %w", err)
	}
	o.Width, o.Bare = c.Float64("width"), c.Bool("bare")
	if c.IsSet("width") && !(o.Width >= figure.LeastWidth && o.Width <= figure.MostWidth) {
		return o, usage(helpHint(c), "--width: %g is not between %d and %d millimetres",
			o.Width, figure.LeastWidth, figure.MostWidth)
	}
	return o, nil
}

func (p *program) figure(c *cli.Context, name string) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	options, err := readFigure(c)
	if err != nil {
		return err
	}
	return p.measure(c, func(db *database) error {
		id, err := db.chosen(c)
		if err != nil {
			return err
		}
		if err := reports.Keep(c.Context, db.DB, id, version()); err != nil {
			return snapshotAdvice(err)
		}
		album, err := figure.Open(c.Context, db.DB, id, version())
		if err != nil {
			return snapshotAdvice(fmt.Errorf("draw figure %s of snapshot %d: %w", name, id, err))
		}
		var caption string
		file := c.String("output")
		if err := writeFile(file, func(w io.Writer) (err error) {
			caption, err = album.Draw(c.Context, name, options, w)
			return err
		}); err != nil {
			return err
		}
		return facts{{"figure", name}, {"snapshot", id}, {"file", file}, {"caption", caption}}.print(p.stdout, form)
	})
}
