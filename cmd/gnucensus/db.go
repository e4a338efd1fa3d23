package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"gnucensus/storage/cluster"
)

func (p *program) dbCommand() *cli.Command {
	command := func(name, usage, example string, action cli.ActionFunc) *cli.Command {
		return &cli.Command{
			Name: name, Usage: usage, Description: "Example:\n  " + example, Action: action,
		}
	}
	psql := command("psql", "open the database in psql", "gnucensus db psql -- -c 'SELECT * FROM report.coverage'", p.dbPsql)
	psql.ArgsUsage = "[-- ARGUMENTS OF PSQL]"
	return &cli.Command{
		Name:  "db",
		Usage: "look after the database",
		Subcommands: []*cli.Command{
			command("url", "print how to connect; the private server stays up until db stop",
				`psql "$(gnucensus db url)"`, p.dbURL),
			psql,
			command("status", "tell where the database is and whether it runs", "gnucensus db status", p.dbStatus),
			command("stop", "stop the private server", "gnucensus db stop", p.dbStop),
			command("migrate", "bring the tables up to the version of this program", "gnucensus db migrate", p.dbMigrate),
		},
	}
}

func (p *program) dbURL(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	return p.use(c, func(db *database) error {
		if db.private != nil {
			if err := db.private.Keep(); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintln(p.stdout, db.dsn)
		return err
	})
}

// dbPsql runs psql while we hold a share in the server.
func (p *program) dbPsql(c *cli.Context) error {
	path, err := exec.LookPath("psql")
	if err != nil {
		return advise(fmt.Errorf("find psql: %w", err),
			"It comes with PostgreSQL's client programs: apt-get install postgresql-client")
	}
	return p.use(c, func(db *database) error {
		psql := exec.Command(path, append([]string{db.dsn}, c.Args().Slice()...)...)
		psql.Stdin, psql.Stdout, psql.Stderr = p.stdin, p.stdout, p.talk
		if err := attend(psql); err != nil {
			return fmt.Errorf("run psql: %w", err)
		}
		return nil
	})
}

// attend runs a program that has our terminal, until it ends. The terminal sends each Ctrl-C to the program too, which knows
// what to do, so we wait on. Signals that would end us alone are passed to the program.
func attend(program *exec.Cmd) error {
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := program.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- program.Wait() }()
	for {
		select {
		case err := <-ended:
			return err
		case s := <-signals:
			if s != os.Interrupt {
				_ = program.Process.Signal(s) // the only error is that it has ended
			}
		}
	}
}

func (p *program) dbStatus(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	if dsn := c.String("database"); dsn != "" {
		db, err := connect(c.Context, dsn)
		if err != nil {
			return err
		}
		defer db.Close()
		return facts{{"database", db.String()}, {"state", "answers"}}.print(p.stdout, form)
	}
	s, err := cluster.Status(c.Context, p.clusterConfig(c))
	if err != nil {
		return err
	}
	return facts{
		{"data_directory", s.Dir}, {"postgresql", orNone(s.Version)}, {"programs", orNone(s.Programs)}, {"state", stateOf(s)},
		{"process", orNone(s.PID)}, {"url", orNone(s.DSN)}, {"log", s.Log},
	}.print(p.stdout, form)
}

// stateOf tells whether the private server runs, until when, and otherwise what the next command will do.
func stateOf(s cluster.State) string {
	switch {
	case s.PID != 0 && s.Kept:
		return "runs until gnucensus db stop"
	case s.PID != 0 && s.Used:
		return "runs while a gnucensus uses it"
	case s.PID != 0:
		return "runs, though no gnucensus uses it: the next one stops it when it is done, and so does gnucensus db stop"
	case s.Running:
		return "starts, stops or recovers"
	case s.Refusal != nil:
		return fmt.Sprintf("cannot start, so the next command that needs it will fail: %v", s.Refusal)
	case s.Version != 0:
		return "stopped: the next command that needs it starts it"
	}
	return "no database yet: the first command that needs one makes it"
}

// orNone is a fact that does not exist when it is zero.
func orNone[T comparable](v T) any {
	if v == *new(T) {
		return nil
	}
	return v
}

func (p *program) dbStop(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	if c.String("database") != "" {
		return usage("Leave out --database and GNUCENSUS_DATABASE for the private one.",
			"db stop: only the private server can be stopped")
	}
	return cluster.Stop(c.Context, p.clusterConfig(c))
}

func (p *program) dbMigrate(c *cli.Context) error {
	if _, err := arguments(c); err != nil {
		return err
	}
	return p.use(c, func(*database) error { return nil }) // every use of a database migrates it
}
