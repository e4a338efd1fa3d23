package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// A program is one run of the command line: where it reads and writes, and what the global flags chose.
type program struct {
	stdin  io.Reader
	stdout io.Writer
	talk   *talk

	log *slog.Logger // set before any command acts
}

// run does what the arguments ask and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	app, help := p.app(), &printout{w: p.stdout}
	app.Writer = help
	args, err := arrange(app, args)
	if err == nil {
		err = errors.Join(app.RunContext(ctx, args), help.err)
	}
	return explain(p.talk, stopped(ctx, err))
}

// A printout is what the library prints, such as help. It remembers that something could not be written, which the library does
// not tell.
type printout struct {
	w   io.Writer
	err error
}

func (p *printout) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.err = cmp.Or(p.err, err)
	return n, err
}

// app builds the command tree. Nothing acts before the library has parsed everything.
func (p *program) app() *cli.App {
	app := &cli.App{
		Name:  "gnucensus",
		Usage: "take a census of the Gnutella network",
		UsageText: "gnucensus [--database URL | --data DIR] [--format F] [--log-level L] COMMAND [flags] [arguments]\n" +
			"Flags may stand anywhere on the line; each can be set as GNUCENSUS_NAME in the environment too.",
		Description: fill(strings.TrimSpace(about), descriptionWidth),
		Version:     version(),
		Reader:      p.stdin,
		ErrWriter:   p.talk,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "database", Usage: "connect to PostgreSQL at `URL` instead of the private server"},
			&cli.StringFlag{Name: "data", Usage: "keep the private PostgreSQL server in `DIR`"},
			&cli.StringFlag{Name: "format", Value: "table", Usage: "print results as `F`: table or json; reports also as csv or md"},
			&cli.StringFlag{Name: "log-level", Value: "warn", Usage: "tell what is at least `L`: debug, info, warn or error"},
		},
		Before:                    p.before,
		Action:                    func(c *cli.Context) error { return cli.ShowAppHelp(c) },
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true,
		HideHelpCommand:           true, // arrange knows it
		// Errors travel to main, which explains them and exits.
		ExitErrHandler: func(*cli.Context, error) {},
		Commands: []*cli.Command{
			p.labCommand(),
			p.crawlCommand(),
			p.snapshotCommand(),
			p.reportCommand(),
			p.figureCommand(),
			p.exportCommand(),
			p.importCommand(),
			p.dbCommand(),
			p.serventCommand(),
			p.searchCommand(),
			p.browseCommand(),
			p.getCommand(),
			p.conformCommand(),
			p.completionCommand(),
		},
	}
	finish(app.Flags, app.Commands)
	app.OnUsageError = usageError
	return app
}

const about = `
A crawl visits every host that it hears of, once, and writes what it saw to PostgreSQL as a snapshot; reports read snapshots.

A network of its own to try it on, in two terminals:
  gnucensus lab --ultrapeers 100 --leaves 900
  gnucensus crawl --scope lab --seed 127.1.0.1:6346
  gnucensus report freeriders

The live network:
  gnucensus crawl --contact you@example.org`

// finish gives each flag its environment variable and each command the handlers of wrong usage, such as to name a group of
// commands alone, and sets its description. The word help is a command of arrange alone.
func finish(flags []cli.Flag, commands []*cli.Command) {
	for _, f := range flags {
		bindEnvironment(f)
	}
	for _, c := range commands {
		c.OnUsageError = usageError
		c.Description = fill(c.Description, descriptionWidth)
		c.HideHelpCommand = true
		if c.Action == nil {
			c.Action = func(c *cli.Context) error {
				return usage(knownHere(c.Command.Subcommands), "%sa command is missing", within(c))
			}
		}
		finish(c.Flags, c.Subcommands)
	}
}

func bindEnvironment(f cli.Flag) {
	names := []string{"GNUCENSUS_" + strings.ToUpper(strings.ReplaceAll(f.Names()[0], "-", "_"))}
	switch f := f.(type) {
	case *cli.StringFlag:
		f.EnvVars = names
	case *cli.StringSliceFlag:
		f.EnvVars = names
	case *cli.BoolFlag:
		f.EnvVars = names
	case *cli.IntFlag:
		f.EnvVars = names
	case *cli.Int64Flag:
		f.EnvVars = names
	case *cli.Uint64Flag:
		f.EnvVars = names
	case *cli.Float64Flag:
		f.EnvVars = names
	case *cli.DurationFlag:
		f.EnvVars = names
	}
}

// before reads the global flags that every command shares.
func (p *program) before(c *cli.Context) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.String("log-level"))); err != nil {
		return usage("The levels are debug, info, warn and error.", "--log-level: %q is no level", c.String("log-level"))
	}
	p.log = newLogger(p.talk, p.talk.terminal, level)
	return nil
}

// format returns the value of --format when the command knows it.
func format(c *cli.Context, known ...string) (string, error) {
	f := c.String("format")
	if !slices.Contains(known, f) {
		return "", usage("Formats: "+strings.Join(known, ", ")+".", "%s--format: %q is not known here", within(c), f)
	}
	return f, nil
}

// arguments returns the words after the flags when there is one for each name, and otherwise tells what is missing or too much.
func arguments(c *cli.Context, names ...string) ([]string, error) {
	got := c.Args().Slice()
	switch {
	case len(got) < len(names):
		return nil, usage(helpHint(c), "%s%s is missing", within(c), names[len(got)])
	case len(got) > len(names):
		return nil, usage(helpHint(c), "%s%q is one argument too many", within(c), got[len(names)])
	}
	return got, nil
}

// within names the command that an error is about, if it is about one.
func within(c *cli.Context) string {
	if command, below := strings.CutPrefix(c.Command.HelpName, c.App.Name+" "); below {
		return command + ": "
	}
	return ""
}

func helpHint(c *cli.Context) string {
	return fmt.Sprintf("See: %s --help", c.Command.HelpName)
}

// usageError is what the library calls for a flag whose value does not parse.
func usageError(c *cli.Context, err error, _ bool) error {
	return usage(helpHint(c), "%s%w", within(c), err)
}

// version is the module version that the toolchain stamped into the binary: a tag, or the commit that it was built from. A
// build without either, as of a test, is "devel".
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	return strings.Trim(info.Main.Version, "()")
}
