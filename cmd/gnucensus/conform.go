package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gnucensus/crawler/pace"
	"gnucensus/servent/conformance"
)

func (p *program) conformCommand() *cli.Command {
	return &cli.Command{
		Name:      "conform",
		Usage:     "test a servent for what the protocol demands",
		ArgsUsage: "HOST:PORT",
		Description: strings.TrimSpace(`
Each test is a conversation or two with the servent. One that fails shows the last bytes that were sent and received. The
exit code is 1 when a test fails that is not optional. Servents ban who connects too often, so a run of all tests takes half
an hour in scope live; where a servent says that it was asked too often, the test is skipped.

Examples:
  gnucensus conform 127.1.0.1:6346 --scope lab --word song
  gnucensus conform 127.1.0.1:6346 --scope lab --only handshake --only query/hits
  gnucensus conform servent.example.org:6346 --contact you@example.org --format json
  gnucensus conform --list`),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "scope", Value: "live",
				Usage: "connect to addresses of `S` only: live (public ones) or lab (127.0.0.0/8)"},
			&cli.StringFlag{Name: "contact",
				Usage: "tell the servent that `WHO` (e-mail or page) can be asked about this; needed when live"},
			&cli.DurationFlag{Name: "pause", DefaultText: "live 31s, lab 0s",
				Usage: "wait `TIME` from one handshake to the next, and twice as long from one UDP PING to the next"},
			&cli.StringFlag{Name: "word", Usage: "ask for files with `WORD` in their name, of which the servent shares some"},
			&cli.StringSliceFlag{Name: "only", Usage: "run only the test or the group of tests `NAME`; may be repeated"},
			&cli.BoolFlag{Name: "slow-tests", Aliases: []string{"slow"}, Usage: "run the tests that take minutes too"},
			&cli.BoolFlag{Name: "list", Usage: "list the tests and run none"},
		},
		Action: p.conform,
	}
}

const scopeHint = "live tests servents at public addresses, lab those in 127.0.0.0/8."

// conform runs tests and prints each result as it comes.
func (p *program) conform(c *cli.Context) error {
	form, err := format(c, "table", "json")
	if err != nil {
		return err
	}
	tests, err := chooseTests(c.StringSlice("only"))
	if err != nil {
		return err
	}
	if c.Bool("list") {
		if len(c.Args().Slice()) > 0 {
			return usage(helpHint(c), "conform: --list connects to nobody")
		}
		return printTests(p.stdout, form, tests)
	}
	args, err := arguments(c, "HOST:PORT, the address of a servent,")
	if err != nil {
		return err
	}
	cfg, err := readConform(c)
	if err != nil {
		return err
	}
	if cfg.Addr, err = lookUp(c.Context, args[0]); err != nil {
		return usage("It is the address of a servent, such as 127.1.0.1:6346.", "conform: %w", err)
	}
	out := newVerdicts(p.stdout, form, tests)
	for r := range conformance.New(cfg).Run(c.Context, tests) {
		if scope := new(pace.ScopeError); errors.As(r.Err, &scope) {
			return usage(scopeHint, "conform: %w", scope)
		}
		out.add(r)
	}
	if err := out.end(); err != nil {
		return err
	}
	return out.verdict(c.Context)
}

// defaultPause is that of a scope: servents of a lab ban nobody.
var defaultPause = map[pace.Scope]time.Duration{pace.Live: conformance.Polite}

// readConform reads how to test, but for the address.
func readConform(c *cli.Context) (conformance.Config, error) {
	scope, err := pace.ParseScope(c.String("scope"))
	if err != nil {
		return conformance.Config{}, usage(scopeHint, "--scope: %w", err)
	}
	cfg := conformance.Config{
		Agent: "gnucensus/" + version(),
		Word:  c.String("word"),
		Pause: defaultPause[scope],
		Slow:  c.Bool("slow-tests"),
	}
	if c.IsSet("pause") {
		cfg.Pause = c.Duration("pause")
	}
	contact := c.String("contact")
	if contact != "" {
		cfg.Agent += " (+" + contact + ")"
	}
	if len(cfg.Word) > maxQueryLen || printable(cfg.Word) != cfg.Word {
		return cfg, usage("", "--word: a query is at most %d bytes of plain text", maxQueryLen)
	}
	if cfg.Pause < 0 {
		return cfg, usage("0 means none.", "--pause: %v is negative", cfg.Pause)
	}
	if err := checkContact(contact, scope); err != nil {
		return cfg, err
	}
	cfg.Net, err = pace.New(pace.Default(scope))
	return cfg, err
}

// chooseTests returns the tests of the given names and groups, all when there are none.
func chooseTests(names []string) ([]conformance.Test, error) {
	all := conformance.Tests()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []conformance.Test
	used := make(map[string]bool)
	for _, test := range all {
		group, _, _ := strings.Cut(test.Name, "/")
		if slices.Contains(names, test.Name) || slices.Contains(names, group) {
			chosen = append(chosen, test)
			used[test.Name], used[group] = true, true
		}
	}
	for _, name := range names {
		if !used[name] {
			return nil, usage("gnucensus conform --list tells the names.", "--only: no test and no group is called %q", name)
		}
	}
	return chosen, nil
}

func printTests(w io.Writer, form string, tests []conformance.Test) error {
	var list []facts
	for _, test := range tests {
		list = append(list, facts{
			{"test", test.Name}, {"demand", test.About}, {"optional", test.Optional}, {"source", test.Source},
		})
	}
	return printList(w, form, list)
}

// lookUp returns the address of a host, the first one of IPv4 if it has any.
func lookUp(ctx context.Context, hostPort string) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddrPort(hostPort); err == nil {
		return addr, nil
	}
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return netip.AddrPort{}, err
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	best := max(0, slices.IndexFunc(addrs, func(a netip.Addr) bool { return a.Unmap().Is4() }))
	return netip.AddrPortFrom(addrs[best].Unmap(), uint16(number)), nil
}
