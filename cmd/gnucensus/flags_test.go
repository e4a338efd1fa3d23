package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"

	"gnucensus/crawler/pace"
	"gnucensus/probe"
	"gnucensus/servent/lab"
)

// capture parses a command line and returns what read makes of it, without acting.
func capture[T any](t *testing.T, read func(*cli.Context) (T, error), args ...string) T {
	t.Helper()
	var got T
	p := &program{stdin: strings.NewReader(""), talk: newTalk(t.Output())}
	app := p.app()
	command := app.Command(args[0])
	for _, sub := range command.Subcommands {
		if sub.Name == args[1] {
			command = sub
		}
	}
	command.Action = func(c *cli.Context) (err error) {
		got, err = read(c)
		return err
	}
	line, err := arrange(app, append([]string{"gnucensus"}, args...))
	if err == nil {
		err = app.RunContext(t.Context(), line)
	}
	if err != nil {
		t.Fatalf("gnucensus %s: %v", strings.Join(args, " "), err)
	}
	return got
}

// TestCrawlFlags gives each flag of crawl a value, on the command line and in the environment, and looks at what changes.
func TestCrawlFlags(t *testing.T) {
	queries, excluded := file(t, "one", "# none", "two words"), file(t, "127.50.0.0/24")
	base := []string{"crawl", "--scope", "lab"}
	standard := capture(t, readSettings, append(base, "--vantage", "here")...)
	for _, test := range []struct {
		flag, value string
		change      func(*settings)
	}{
		{"rate", "7", func(s *settings) { s.Rate = 7 }},
		{"rate-per-host", "0.3", func(s *settings) { s.Opens.Host, s.Datagrams.Host = 0.3, 0.3 }},
		{"rate-per-prefix", "0.4", func(s *settings) { s.Opens.Near, s.Datagrams.Near = 0.4, 0.4 }},
		{"opens", "4,3,2,1", func(s *settings) { s.Opens = pace.Rates{Total: 4, Wide: 3, Near: 2, Host: 1} }},
		{"datagrams", "9,0,0,0.5", func(s *settings) { s.Datagrams = pace.Rates{Total: 9, Host: 0.5} }},
		{"bytes", "0,0,0,100", func(s *settings) { s.Bytes = pace.Rates{Host: 100} }},
		{"connections", "8", func(s *settings) { s.Connections = 8 }},
		{"one-word", "6", func(s *settings) { s.OneWord = 6 }},
		{"strangers", "5", func(s *settings) { s.Strangers = 5 }},
		{"workers", "9", func(s *settings) { s.Workers = 9 }},
		{"max-hosts", "11", func(s *settings) { s.MaxHosts = 11 }},
		{"duration", "90m", func(s *settings) { s.Duration = 90 * time.Minute }},
		{"revisit", "3m", func(s *settings) { s.Revisit = 3 * time.Minute }},
		{"random-seed", "7", func(s *settings) { s.RandomSeed = 7 }},
		{"exclude", excluded, func(s *settings) { s.Exclude = excluded }},
		{"contact", "who@example.org", func(s *settings) { s.Contact = "who@example.org" }},
		{"methods", "udp-ping, x-try", func(s *settings) { s.Methods = []probe.Method{probe.UDPPing, probe.XTryHarvest} }},
		{"queries", queries, func(s *settings) { s.Queries = []string{"one", "two words"} }},
		{"query-via", "2", func(s *settings) { s.QueryVia = 2 }},
		{"query-wait", "4s", func(s *settings) { s.QueryWait = 4 * time.Second }},
		{"database-patience", "7s", func(s *settings) { s.Patience = 7 * time.Second }},
		{"vantage", "there", func(s *settings) { s.Vantage = "there" }},
	} {
		want := standard
		test.change(&want)
		args := base
		if test.flag != "vantage" {
			args = append(slices.Clip(base), "--vantage", "here")
		}
		got := capture(t, readSettings, append(slices.Clip(args), "--"+test.flag, test.value)...)
		if diff := cmp.Diff(want, got); diff != "" || cmp.Equal(standard, got) {
			t.Errorf("--%s %s:\n%s", test.flag, test.value, diff)
		}
		fromEnvironment(t, test.flag, test.value, func() {
			if diff := cmp.Diff(want, capture(t, readSettings, args...)); diff != "" {
				t.Errorf("--%s in the environment:\n%s", test.flag, diff)
			}
		})
	}
	live := capture(t, readSettings, "crawl", "--contact", "who@example.org")
	if live.Rate > 20 || live.Rate == 0 || live.Opens.Host == 0 || live.Datagrams.Near == 0 || live.Bytes.Total == 0 || live.Scope != "live" {
		t.Errorf("without --scope and rates: %+v", live)
	}
}

// TestLabFlags does the same for lab.
func TestLabFlags(t *testing.T) {
	standard := capture(t, readPlan, "lab")
	for _, test := range []struct {
		flag, value string
		change      func(*lab.Plan)
	}{
		{"ultrapeers", "3", func(p *lab.Plan) { p.Ultrapeers = 3 }},
		{"leaves", "4", func(p *lab.Plan) { p.Leaves = 4 }},
		{"degree", "5", func(p *lab.Plan) { p.Degree = 5 }},
		{"parents", "2", func(p *lab.Plan) { p.Parents = 2 }},
		{"dead", "0.1", func(p *lab.Plan) { p.Dead = 0.1 }},
		{"firewalled", "0.2", func(p *lab.Plan) { p.Firewalled = 0.2 }},
		{"slow", "0.3", func(p *lab.Plan) { p.Slow = 0.3 }},
		{"full", "0.4", func(p *lab.Plan) { p.Full = 0.4 }},
		{"unaware", "0.5", func(p *lab.Plan) { p.Unaware = 0.5 }},
		{"leaving", "0.6", func(p *lab.Plan) { p.Leaving = 0.6 }},
		{"random-seed", "7", func(p *lab.Plan) { p.Seed = 7 }},
		{"base", "127.50.0.1", func(p *lab.Plan) { p.Base = netip.MustParseAddr("127.50.0.1") }},
		{"port", "7000", func(p *lab.Plan) { p.Port = 7000 }},
	} {
		want := standard
		test.change(&want)
		same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
		if diff := cmp.Diff(want, capture(t, readPlan, "lab", "--"+test.flag, test.value), same); diff != "" {
			t.Errorf("--%s:\n%s", test.flag, diff)
		}
		fromEnvironment(t, test.flag, test.value, func() {
			if diff := cmp.Diff(want, capture(t, readPlan, "lab"), same); diff != "" {
				t.Errorf("--%s in the environment:\n%s", test.flag, diff)
			}
		})
	}
}

// TestCrowdFlags does the same for lab with --crowd.
func TestCrowdFlags(t *testing.T) {
	same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	standard := capture(t, readCrowdPlan, "lab", "--crowd", "1000")
	for _, test := range []struct {
		flag, value string
		change      func(*lab.CrowdPlan)
	}{
		{"crowd", "2000", func(p *lab.CrowdPlan) { p.Hosts = 2000 }},
		{"ultrapeers", "3", func(p *lab.CrowdPlan) { p.Ultrapeers = 3 }},
		{"degree", "5", func(p *lab.CrowdPlan) { p.Degree = 5 }},
		{"parents", "2", func(p *lab.CrowdPlan) { p.Parents = 2 }},
		{"dead", "0.1", func(p *lab.CrowdPlan) { p.Dead = 0.1 }},
		{"silent", "0.2", func(p *lab.CrowdPlan) { p.Silent = 0.2 }},
		{"trimming", "0.3", func(p *lab.CrowdPlan) { p.Trimming = 0.3 }},
		{"lying", "0.4", func(p *lab.CrowdPlan) { p.Lying = 0.4 }},
		{"random-seed", "7", func(p *lab.CrowdPlan) { p.Seed = 7 }},
		{"base", "127.50.0.1", func(p *lab.CrowdPlan) { p.Base = netip.MustParseAddr("127.50.0.1") }},
		{"port", "7000", func(p *lab.CrowdPlan) { p.Port = 7000 }},
	} {
		want := standard
		test.change(&want)
		got := capture(t, readCrowdPlan, "lab", "--crowd", "1000", "--"+test.flag, test.value)
		if diff := cmp.Diff(want, got, same); diff != "" || cmp.Equal(standard, got, same) {
			t.Errorf("--%s:\n%s", test.flag, diff)
		}
		fromEnvironment(t, test.flag, test.value, func() {
			args := []string{"lab"}
			if test.flag != "crowd" {
				args = append(args, "--crowd", "1000")
			}
			if diff := cmp.Diff(want, capture(t, readCrowdPlan, args...), same); diff != "" {
				t.Errorf("--%s in the environment:\n%s", test.flag, diff)
			}
		})
	}
}

// A flagChange is what a flag with a value changes in the settings of a command.
type flagChange[T any] struct {
	flag, value string
	change      func(*T)
}

// checkFlags gives flags a value, on the command line and in the environment, and looks at what changes.
func checkFlags[T any](t *testing.T, base []string, read func(*cli.Context) (T, error), changes []flagChange[T]) {
	t.Helper()
	addr := cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })
	standard := capture(t, read, base...)
	for _, test := range changes {
		want := standard
		test.change(&want)
		got := capture(t, read, append(slices.Clip(base), "--"+test.flag, test.value)...)
		if diff := cmp.Diff(want, got, addr); diff != "" || cmp.Equal(standard, got, addr) {
			t.Errorf("--%s %s:\n%s", test.flag, test.value, diff)
		}
		fromEnvironment(t, test.flag, test.value, func() {
			if diff := cmp.Diff(want, capture(t, read, base...), addr); diff != "" {
				t.Errorf("--%s in the environment:\n%s", test.flag, diff)
			}
		})
	}
}

// fromEnvironment runs a test while the environment holds a flag.
func fromEnvironment(t *testing.T, flag, value string, test func()) {
	t.Helper()
	t.Run("environment "+flag, func(t *testing.T) {
		t.Setenv("GNUCENSUS_"+strings.ToUpper(strings.ReplaceAll(flag, "-", "_")), value)
		test()
	})
}

// TestEnvironmentNamesOneKind: a variable that is set for one command must not be wrong for another.
func TestEnvironmentNamesOneKind(t *testing.T) {
	t.Parallel()
	kinds := map[string]string{}
	var visit func(of string, flags []cli.Flag, commands []*cli.Command)
	visit = func(of string, flags []cli.Flag, commands []*cli.Command) {
		for _, f := range flags {
			names := f.(cli.DocGenerationFlag).GetEnvVars()
			if len(names) != 1 {
				t.Fatalf("%s --%s has the variables %v", of, f.Names()[0], names)
			}
			kind := fmt.Sprintf("%T", f)
			if other := kinds[names[0]]; other != "" && other != kind {
				t.Errorf("%s: %s is %s, elsewhere %s", of, names[0], kind, other)
			}
			kinds[names[0]] = kind
		}
		for _, c := range commands {
			visit(of+" "+c.Name, c.Flags, c.Subcommands)
		}
	}
	app := (&program{}).app()
	visit(app.Name, app.Flags, app.Commands)
}

// TestFlagOverEnvironment: what is typed wins.
func TestFlagOverEnvironment(t *testing.T) {
	t.Setenv("GNUCENSUS_WORKERS", "5")
	if s := capture(t, readSettings, "crawl", "--scope", "lab", "--workers", "6"); s.Workers != 6 {
		t.Errorf("%d workers, not those of the flag", s.Workers)
	}
	t.Setenv("GNUCENSUS_WORKERS", "many")
	r := run(t, "crawl", "--scope", "lab")
	if r.code != exitUsage || !strings.Contains(r.stderr, "GNUCENSUS_WORKERS") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

// TestFlagsMayStandAnywhere gives the same command line in several orders.
func TestFlagsMayStandAnywhere(t *testing.T) {
	t.Parallel()
	app := (&program{}).app()
	want := []string{"gnucensus", "--format", "json", "--data=D", "snapshot", "show", "--", "3"}
	for _, args := range []string{
		"snapshot show 3 --format json --data=D",
		"--format json snapshot --data=D show 3",
		"snapshot --format json show --data=D 3",
		"snapshot show --format json --data=D -- 3",
	} {
		got, err := arrange(app, append([]string{"gnucensus"}, strings.Fields(args)...))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("gnucensus %s: %v\n%s", args, err, diff)
		}
	}
	got, err := arrange(app, strings.Fields("gnucensus db psql --data D -- -c --format"))
	if diff := cmp.Diff(strings.Fields("gnucensus --data D db psql -- -c --format"), got); diff != "" || err != nil {
		t.Errorf("after --: %v\n%s", err, diff)
	}
}

// TestUnknownMethodIsRefused: the complaint names those that there are.
func TestUnknownMethodIsRefused(t *testing.T) {
	t.Parallel()
	r := run(t, "crawl", "--scope", "lab", "--methods", "udp-ping,browse")
	if r.code != exitUsage || !strings.Contains(r.stderr, "browse") || !strings.Contains(r.stderr, "udp-crawl") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}
