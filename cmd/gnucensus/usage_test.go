package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"gnucensus/storage/storagetest"
)

// nobody is an address at which nothing listens.
const nobody = "127.51.255.254:6346"

// TestWrongUsage holds wrong command lines to exit code 2, a message that names what is wrong, and a hint.
func TestWrongUsage(t *testing.T) {
	t.Parallel()
	noAddress, long := file(t, "127.50.0.1:6346", "here"), file(t, strings.Repeat("long", 2000))
	barred, dsn := file(t, "127.51.255.0/24"), storagetest.DSN(t)
	for _, test := range []struct{ args, want, hint string }{
		{"crwl", `unknown command "crwl"`, `Known here: lab, crawl, `},
		{"snapshot lst", `snapshot: unknown command "lst"`, `Known here: list, show, `},
		{"report freerider", `report: unknown command "freerider"`, "freeriders"},
		{"snapshot", "snapshot: a command is missing", "Known here: list, show, "},
		{"export --format json", "export: a command is missing", "Known here: hosts, "},
		{"completion", "completion: a command is missing", "Known here: bash, "},
		{"db", "db: a command is missing", "Known here: url, "},
		{"crawl -h now", `crawl: "now" is one argument too many`, "gnucensus crawl --help"},
		{"help snapshot list 3", `snapshot list: "3" is one argument too many`, "gnucensus snapshot list --help"},
		{"help crwl", `unknown command "crwl"`, `Known here: lab, crawl, `},
		{"crawl --sed 127.1.0.1:6346", "crawl: unknown flag --sed", "--seed"},
		{"crawl --seed", "crawl: flag --seed needs a value", "gnucensus crawl --help"},
		{"crawl --bogus", "crawl: unknown flag --bogus\n  See: gnucensus crawl --help", ""},
		{"crawl -s 127.1.0.1:6346", "crawl: unknown flag -s\n  See: gnucensus crawl --help", ""},
		{"crawl --seed ", "crawl: flag --seed needs a value", "gnucensus crawl --help"},
		{"crawl --exclude= --scope lab", "crawl: flag --exclude needs a value", "gnucensus crawl --help"},
		{"snapshot list --data ", "flag --data needs a value", "gnucensus snapshot list --help"},
		{"crawl --rate fast", `crawl: --rate: "fast" is not a number, such as 0.5`, "gnucensus crawl --help"},
		{"crawl --workers 1.5", `crawl: --workers: "1.5" is not a whole number`, "gnucensus crawl --help"},
		{"crawl --duration 5", `crawl: --duration: "5" is not a time, such as 90s`, "gnucensus crawl --help"},
		{"crawl --random-seed -5", `crawl: --random-seed: "-5" is not a whole number, 0 or more`, "gnucensus crawl --help"},
		{"crawl -1", `crawl: "-1" is one argument too many`, "gnucensus crawl --help"},
		{"report html -o - --format json", `report html: --format: "json"`, "html"},
		{"crawl --scope lab", "no seeds", "--seeds FILE"},
		{"crawl", "--contact is missing", "e-mail address"},
		{"crawl --cache here", `"here"`, "HOST:PORT"},
		{"crawl --cache here:0", `"here:0"`, "HOST:PORT"},
		{"crawl --cache ftp://here/", `"ftp://here/"`, "GWebCache"},
		{"crawl now", `"now" is one argument too many`, "gnucensus crawl --help"},
		{"crawl --seed 127.0.0.1000:6346", `"127.0.0.1000:6346" is no HOST:PORT`, "6346"},
		{"crawl --seed localhost:gnutella", `"localhost:gnutella" is no HOST:PORT`, "6346"},
		{"crawl --seed [fe80::x]:6346", `"[fe80::x]:6346" is no HOST:PORT`, "6346"},
		{"crawl --seed 127.1.0.1", `"127.1.0.1" has no port`, "6346"},
		{"crawl --seed 127.1.0.1:0", "port 0", "6346"},
		{"crawl --seeds /does/not/exist", "/does/not/exist", "one HOST:PORT a line"},
		{"crawl --seeds " + os.DevNull, "holds no address", "--seeds FILE"},
		{"crawl --seeds " + noAddress, `line 2: "here"`, "6346"},
		{"crawl --seeds " + long, "longer than", "one HOST:PORT a line"},
		{"crawl --seed " + nobody, "--contact is missing", "e-mail address"},
		{"crawl --seed " + nobody + " --contact me", `"me"`, "e-mail address"},
		{"crawl --seed " + nobody + " --contact a@b\r\nX:y", "--contact", "e-mail address"},
		{"crawl --seed " + nobody + " --contact a@b --rate 0", "a rate of 0", "--rate"},
		{"crawl --seed " + nobody + " --scope moon", `"moon"`, "127.0.0.0/8"},
		{"crawl --scope lab --seed " + nobody + " --rate-per-host -1", "-1 is not a rate", "--rate-per-host"},
		{"crawl --scope lab --seed " + nobody + " --opens 1,1,1,-1", "-1 is not a rate", "--opens"},
		{"crawl --scope lab --seed " + nobody + " --bytes 5", "--bytes: \"5\" is not four rates", "20,4,0.5,0.2"},
		{"crawl --scope lab --seed " + nobody + " --workers 0", "--workers: 0", ""},
		{"crawl --scope lab --seed " + nobody + " --max-hosts -1", "--max-hosts: -1", "no limit"},
		{"crawl --scope lab --seed " + nobody + " --duration -1s", "--duration: -1s", "no limit"},
		{"crawl --scope lab --seed " + nobody + " --query-via 101", "--query-via: 101", ""},
		{"crawl --scope lab --seed " + nobody + " --query-wait -1s", "--query-wait: -1s", ""},
		{"crawl --scope lab --seed " + nobody + " --database-patience -1s", "--database-patience: -1s", "0 means none"},
		{"crawl --scope lab --seed " + nobody + " --queries " + os.DevNull, "holds 0 queries", "--query-via 0"},
		{"crawl --scope lab --seed " + nobody + " --exclude " + noAddress, `"127.50.0.1:6346" is neither`, "prefix"},
		{"crawl --scope lab --seed 10.0.0.1:6346 --database " + dsn, "10.0.0.1:6346 is out of scope", "127.0.0.0/8"},
		{"crawl --contact a@b --seed localhost:6346 --database " + dsn, "reserved address range", "public ones"},
		{"crawl --contact a@b --seed 8.8.8.8:53 --database " + dsn, "port of a well-known service", "public ones"},
		{"crawl --scope lab --seed " + nobody + " --exclude " + barred + " --database " + dsn, "excluded by " + barred, ""},
		{"crawl --scope lab --seed " + nobody + " --format md", `--format: "md"`, "table, json"},
		{"snapshot show", "N, the number of a snapshot, is missing", "gnucensus snapshot show --help"},
		{"snapshot resume one", `"one" is no number`, "gnucensus snapshot list"},
		{"snapshot list --database nonsense", "cannot parse `nonsense`", "postgres://USER@HOST:PORT/NAME"},
		{"db status --database http://x/y", "cannot parse `http://x/y`", "postgres://USER@HOST:PORT/NAME"},
		{"report summary --database postgres://u@h:port/x", "invalid port", "postgres://USER@HOST:PORT/NAME"},
		{"report summary --format xml", `--format: "xml"`, "table, csv, json, md"},
		{"report summary 3", `"3" is one argument too many`, "gnucensus report summary --help"},
		{"figure netwrk", `figure: unknown command "netwrk"`, "network"},
		{"figure network", "gnucensus: figure network: --output FILE is missing", "gnucensus figure network --help"},
		{"figure network -o a.gif", `"a.gif" is no format`, "svg, png, pdf"},
		{"figure network -o a.svg --width 5", "--width: 5 is not between 60 and 2000", "gnucensus figure network --help"},
		{"figure network -o a.svg --width NaN", "--width: NaN", "gnucensus figure network --help"},
		{"figure network -o a.svg --format md", `--format: "md"`, "table, json"},
		{"figure network a.svg", `"a.svg" is one argument too many`, "gnucensus figure network --help"},
		{"import edges", "FILE is missing", "gnucensus import edges --help"},
		{"lab --ultrapeers 0", "0 ultrapeers", "gnucensus lab --help"},
		{"lab --dead 2", "dead", "gnucensus lab --help"},
		{"lab --base 10.0.0.1", "10.0.0.1", "gnucensus lab --help"},
		{"lab --base here", `"here"`, "127.0.0.0/8"},
		{"lab --degree 0", "--degree: 0", ""},
		{"lab --port 0", "--port: 0", ""},
		{"lab --lying 0.1", "--lying goes with --crowd", ""},
		{"lab --crowd 100 --slow 0.1", "--slow does not go with --crowd", ""},
		{"lab --crowd 6000000", "6000000 hosts", "gnucensus lab --help"},
		{"lab --crowd 100 --base here", `"here"`, "127.0.0.0/8"},
		{"conform --scope lab", "HOST:PORT, the address of a servent, is missing", "gnucensus conform --help"},
		{"conform " + nobody, "--contact is missing", "e-mail address"},
		{"conform " + nobody + " --scope moon", `"moon"`, "127.0.0.0/8"},
		{"conform --scope lab 127.1.0.1", "missing port", "127.1.0.1:6346"},
		{"conform --scope lab " + nobody + " --pause -1s", "--pause: -1s", "0 means none"},
		{"conform --scope lab " + nobody + " --word a\r\nb", "--word", ""},
		{"conform --scope lab " + nobody + " --only crawl --only cravl", `"cravl"`, "gnucensus conform --list"},
		{"conform --scope lab 10.0.0.1:6346", "out of scope", "127.0.0.0/8"},
		{"conform --list " + nobody, "--list connects to nobody", "gnucensus conform --help"},
		{"servent", "--listen ADDRESS:PORT is missing", "127.80.0.1:6346"},
		{"servent --listen 0.0.0.0:6346", `"0.0.0.0:6346"`, "127.80.0.1:6346"},
		{"servent --listen " + nobody + " --listen 127.1.0.1:6346", "both of IPv4", "127.80.0.1:6346"},
		{"servent --listen [::1]:6346 --listen [::1]:6347", "both of IPv6", "127.80.0.1:6346"},
		{"servent --listen " + nobody + " --cache here", `"here"`, "HOST:PORT"},
		{"servent --listen " + nobody + " --role boss", `"boss"`, "ultrapeer, leaf, auto"},
		{"servent --connect 127.1.0.1", "--connect", "127.1.0.1:6346"},
		{"servent --listen " + nobody + " --share /does/not/exist", "no such file", "a folder"},
		{"servent --listen " + nobody + " now", `"now" is one argument too many`, "gnucensus servent --help"},
		{"search --via " + nobody, "WORDS to search for are missing", "gnucensus search --help"},
		{"search --seeds /does/not/exist words", "/does/not/exist", "one HOST:PORT a line"},
		{"search --cache here words", `"here"`, "HOST:PORT"},
		{"search --via " + nobody + " --cache " + nobody + " words", "exclude each other", "a file of hosts"},
		{"search --via 127.1.0.1:0 words", "--via", "127.1.0.1:6346"},
		{"search --via " + nobody + " a\r\nb", "plain text", ""},
		{"search --via " + nobody + " --mode telepathy words", `"telepathy"`, "in-band, oob"},
		{"search --via " + nobody + " --wait 0s words", "--wait: 0s", "30s"},
		{"db stop --database postgres://localhost/x", "private", "--database"},
		{"db status --log-level loud", `"loud"`, "debug"},
	} {
		r := run(t, strings.Split(test.args, " ")...)
		if r.code != exitUsage || r.stdout != "" ||
			!strings.Contains(r.stderr, test.want) || !strings.Contains(r.stderr, test.hint) {
			t.Errorf("gnucensus %s: exit %d, want %d and %q, %q:\n%s%s",
				test.args, r.code, exitUsage, test.want, test.hint, r.stdout, r.stderr)
		}
	}
}

// TestFailures holds work that fails to exit code 1 and a message that says what to do.
func TestFailures(t *testing.T) {
	t.Parallel()
	dsn := storagetest.DSN(t)
	empty := dataDir(t)
	if err := os.WriteFile(filepath.Join(empty, "stranger"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	unknown := strings.Repeat("x", 64) + ".invalid:6346" // too long for a name: nobody is asked for it
	for _, test := range []struct{ args, want, hint string }{
		{"report summary --database " + dsn, "no such snapshot", "gnucensus crawl"},
		{"report summary --snapshot 7 --database " + dsn, "no such snapshot", "gnucensus snapshot list"},
		{"figure network -o a.svg --database " + dsn, "no such snapshot", "gnucensus crawl"},
		{"figure network -o a.svg --snapshot 7 --database " + dsn, "no such snapshot", "gnucensus snapshot list"},
		{"snapshot show 7 --database " + dsn, "no such snapshot", "gnucensus snapshot list"},
		{"snapshot resume 7 --database " + dsn, "no such snapshot", "gnucensus snapshot list"},
		{"snapshot show -1 --database " + dsn, "no such snapshot", "gnucensus snapshot list"},
		{"snapshot delete 7 --database " + dsn, "no such snapshot", "gnucensus snapshot list"},
		{"snapshot list --database postgres://nobody@127.51.255.254:1/none", "127.51.255.254", "is it running"},
		{"snapshot list --data " + empty, "not made by gnucensus", "choose another"},
		{"import edges /does/not/exist --database " + dsn, "/does/not/exist", "edge list"},
		{"import edges " + file(t, "1 2", "1 two") + " --database " + dsn, "line 2", "Nothing was stored"},
		{"crawl --scope lab --seed " + nobody + " --database " + dsn, "1 host visited, and no servent", "report outcomes"},
		{"crawl --scope lab --seed " + unknown, "find seed \"" + unknown, "give its address"},
		{"search --seeds " + file(t, unknown) + " words", "find seed \"" + unknown, "give its address"},
		{"conform --scope lab " + nobody, "no servent there at test 1", "ended by itself"},
		{"search --wait 1s --via " + nobody + " words", "no host of --via made a link", "free slot"},
		{"lab --truth /does/not/exist", "/does/not/exist", "--truth"},
	} {
		r := run(t, strings.Split(test.args, " ")...)
		if r.code != exitFailed || !strings.Contains(r.stderr, test.want) || !strings.Contains(r.stderr, test.hint) {
			t.Errorf("gnucensus %s: exit %d, want %d and %q, %q:\n%s%s",
				test.args, r.code, exitFailed, test.want, test.hint, r.stdout, r.stderr)
		}
	}
	kept := decode[[]snapshotLine](t, must(t, "snapshot", "list", "--database", dsn, "--format", "json"))
	if len(kept) != 1 { // of the crawl; the broken import left nothing
		t.Errorf("snapshots: %+v", kept)
	}
}

// TestHelpTeaches looks for an example or an explanation in the help of every command, for a usage of every flag with a name for
// its value, and for lines that no screen holds.
func TestHelpTeaches(t *testing.T) {
	t.Parallel()
	fits := func(path []string, text string) {
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > helpWidth {
				t.Errorf("help of %v: a line of %d characters: %s", path, n, line)
			}
		}
	}
	var visit func(path []string, commands []*cli.Command)
	visit = func(path []string, commands []*cli.Command) {
		for _, c := range commands {
			here := append(path[:len(path):len(path)], c.Name)
			text := must(t, append(here, "--help")...)
			fits(here, text)
			if !strings.Contains(text, c.Usage) || c.Usage == "" {
				t.Errorf("help of %v does not say what it does", here)
			}
			for _, f := range c.Flags {
				if !strings.Contains(text, "--"+f.Names()[0]) || f.(cli.DocGenerationFlag).GetUsage() == "" ||
					strings.Contains(text, "--"+f.Names()[0]+" value") {
					t.Errorf("help of %v does not explain --%s", here, f.Names()[0])
				}
			}
			if len(c.Subcommands) == 0 && c.Description == "" && c.ArgsUsage == "" && len(c.Flags) > 0 {
				t.Errorf("help of %v has no example", here)
			}
			visit(here, c.Subcommands)
		}
	}
	visit(nil, (&program{}).app().Commands)
	text := must(t, "--help")
	fits(nil, text)
	if !strings.Contains(text, "gnucensus crawl --scope lab") {
		t.Errorf("help has no example:\n%s", text)
	}
	if must(t, "help", "snapshot", "show") != must(t, "snapshot", "show", "--help") || must(t, "help") != must(t, "--help") {
		t.Error("help and --help tell different things")
	}
	if must(t, "snapshot", "show", "3", "--help") != must(t, "snapshot", "show", "--help") {
		t.Error("an argument changes what help tells")
	}
	if text := must(t, "--version"); !regexp.MustCompile(`^gnucensus version \S+\n$`).MatchString(text) {
		t.Errorf("version: %q", text)
	}
}

// TestFullDisk: what should be printed and cannot be is an error of every command, and ends a network that nobody can find then.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for _, args := range []string{
		"--help", "help crawl", "--version", "report", "conform --list", "completion bash",
		"lab --ultrapeers 3 --leaves 2 --degree 2 --base " + base(t).String(),
	} {
		var said bytes.Buffer
		p := &program{stdin: strings.NewReader(""), stdout: full, talk: newTalk(&said)}
		code := p.run(t.Context(), append([]string{"gnucensus"}, strings.Fields(args)...))
		if code != exitFailed || !strings.Contains(said.String(), "gnucensus: write /dev/full: no space left on device") {
			t.Errorf("%s: exit %d: %s", args, code, &said)
		}
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for shell, want := range map[string]string{
		"bash": "complete -o default -F _gnucensus gnucensus",
		"zsh":  "compdef _gnucensus gnucensus",
		"fish": "complete -c gnucensus",
	} {
		if text := must(t, "completion", shell); !strings.Contains(text, want) {
			t.Errorf("completion for %s:\n%s", shell, text)
		}
	}
	r := start(t, "snapshot", "--generate-bash-completion").end(t)
	if !strings.Contains(r.stdout, "resume\n") {
		t.Errorf("completes snapshot with %q", r.stdout)
	}
	r = start(t, "report", "--generate-bash-completion").end(t)
	if !strings.Contains(r.stdout, "freeriders\n") {
		t.Errorf("completes report with %q", r.stdout)
	}
}
