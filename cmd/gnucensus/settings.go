package main

import (
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"gnucensus/crawler/pace"
	"gnucensus/probe"
)

// Settings are what a crawl was asked to do. They are kept with its snapshot, so that a crawl that is resumed does the same.
type settings struct {
	Scope       string         `json:"scope"`
	Contact     string         `json:"contact"`
	Exclude     string         `json:"exclude,omitempty"` // path, absolute
	Methods     []probe.Method `json:"methods,omitempty"` // nil: all
	Rate        float64        `json:"rate"`
	Opens       pace.Rates     `json:"opens"`
	Datagrams   pace.Rates     `json:"datagrams"`
	Bytes       pace.Rates     `json:"bytes"`
	Connections int            `json:"connections"`
	Strangers   int            `json:"strangers"`
	OneWord     int            `json:"one_word"`
	Workers     int            `json:"workers"`
	MaxHosts    int            `json:"max_hosts"`
	Duration    time.Duration  `json:"duration_ns"`
	Revisit     time.Duration  `json:"revisit_ns"`
	RandomSeed  uint64         `json:"random_seed"`
	Queries     []string       `json:"queries"`
	QueryVia    int            `json:"query_via"`
	QueryWait   time.Duration  `json:"query_wait_ns"`
	Patience    time.Duration  `json:"database_patience_ns"` // with a database that was lost
	Vantage     string         `json:"vantage"`

	AskedUntil time.Time `json:"-"` // when an earlier run ended, which may have asked anybody; zero: there was none
}

//go:embed queries.txt
var defaultQueries string

const (
	maxQueries  = 1000
	maxQueryLen = 200 // bytes; servents drop longer ones
	maxContact  = 120 // bytes of a header field
)

// Defaults that depend on the scope. Of a lab many hosts at a time can be visited, and hits are soon back; through the dynamic
// queries of a real network they take up to half a minute.
var (
	defaultWorkers   = map[pace.Scope]int{pace.Live: 200, pace.Lab: 1000}
	defaultRevisit   = map[pace.Scope]time.Duration{pace.Live: 10 * time.Minute}
	defaultQueryWait = map[pace.Scope]time.Duration{pace.Live: 30 * time.Second, pace.Lab: time.Second}
)

// readSettings takes the settings from the flags of crawl. Rates that are not given are those that suit the scope.
func readSettings(c *cli.Context) (settings, error) {
	scope, err := pace.ParseScope(c.String("scope"))
	if err != nil {
		return settings{}, usage("live visits public addresses, lab visits 127.0.0.0/8.", "--scope: %w", err)
	}
	limits := pace.Default(scope)
	s := settings{
		Scope:       scope.String(),
		Contact:     c.String("contact"),
		Rate:        given(c, "rate", limits.Visits),
		Opens:       limits.Opens,
		Datagrams:   limits.Datagrams,
		Bytes:       limits.Bytes,
		Connections: limits.Connections,
		Strangers:   limits.Strangers,
		OneWord:     c.Int("one-word"),
		Workers:     defaultWorkers[scope],
		MaxHosts:    c.Int("max-hosts"),
		Duration:    c.Duration("duration"),
		Revisit:     defaultRevisit[scope],
		RandomSeed:  c.Uint64("random-seed"),
		QueryVia:    c.Int("query-via"),
		QueryWait:   defaultQueryWait[scope],
		Patience:    c.Duration("database-patience"),
		Vantage:     c.String("vantage"),
	}
	if c.IsSet("workers") {
		s.Workers = c.Int("workers")
	}
	if c.IsSet("revisit") {
		s.Revisit = c.Duration("revisit")
	}
	if c.IsSet("query-wait") {
		s.QueryWait = c.Duration("query-wait")
	}
	if c.IsSet("connections") {
		s.Connections = c.Int("connections")
	}
	if c.IsSet("strangers") {
		s.Strangers = c.Int("strangers")
	}
	for flag, rates := range map[string]*pace.Rates{"opens": &s.Opens, "datagrams": &s.Datagrams, "bytes": &s.Bytes} {
		if err := readRates(c.String(flag), rates); err != nil {
			return settings{}, usage(ratesHint, "--%s: %w", flag, err)
		}
	}
	for _, rates := range []*pace.Rates{&s.Opens, &s.Datagrams} {
		rates.Host = given(c, "rate-per-host", rates.Host)
		rates.Near = given(c, "rate-per-prefix", rates.Near)
	}
	if s.Vantage == "" {
		if s.Vantage, err = os.Hostname(); err != nil {
			return settings{}, usage("Give it a name by --vantage NAME.", "name the place that we measure from: %w", err)
		}
	}
	if file := c.String("exclude"); file != "" {
		if s.Exclude, err = filepath.Abs(file); err != nil {
			return settings{}, usage("", "--exclude: %w", err)
		}
	}
	if s.Methods, err = readMethods(c.String("methods")); err != nil {
		return settings{}, err
	}
	if s.Queries, err = readQueries(c.App.Reader, c.String("queries")); err != nil {
		return settings{}, err
	}
	return s, s.validate(scope)
}

const ratesHint = "Four rates a second, to all hosts, to a /16, to a /24 and to a host, as in 20,4,0.5,0.2."

// readRates reads the rates of one kind; without any, those that there are stay.
func readRates(list string, r *pace.Rates) error {
	if list == "" {
		return nil
	}
	words := strings.Split(list, ",")
	levels := []*float64{&r.Total, &r.Wide, &r.Near, &r.Host}
	if len(words) != len(levels) {
		return fmt.Errorf("%q is not four rates", list)
	}
	for i, word := range words {
		rate, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil {
			return fmt.Errorf("%q is not a rate", word)
		}
		*levels[i] = rate
	}
	return nil
}

func given(c *cli.Context, name string, otherwise float64) float64 {
	if c.IsSet(name) {
		return c.Float64(name)
	}
	return otherwise
}

// readMethods reads a list of methods of visiting, nil when it is empty: all.
func readMethods(list string) ([]probe.Method, error) {
	if list == "" {
		return nil, nil
	}
	known := networks[probe.Gnutella].methods
	var methods []probe.Method
	for name := range strings.SplitSeq(list, ",") {
		m := probe.Method(strings.TrimSpace(name))
		if !slices.Contains(known, m) {
			return nil, usage("Methods: "+joined(known)+".", "--methods: %q is none", m)
		}
		methods = append(methods, m)
	}
	return methods, nil
}

func joined(methods []probe.Method) string {
	var list []string
	for _, m := range methods {
		list = append(list, string(m))
	}
	return strings.Join(list, ",")
}

// readQueries reads a list of queries, the built-in one when no file is named.
func readQueries(stdin io.Reader, file string) ([]string, error) {
	lines, err := scanLines(strings.NewReader(defaultQueries), "queries.txt")
	if file != "" {
		lines, err = readLines(stdin, file)
	}
	if err != nil {
		return nil, usage("The file must hold one query a line; - reads standard input.", "--queries: %w", err)
	}
	queries := make([]string, 0, len(lines))
	for _, l := range lines {
		if len(l.text) > maxQueryLen || printable(l.text) != l.text {
			return nil, usage("", "--queries: %s, line %d: a query is at most %d bytes of plain text", file, l.number, maxQueryLen)
		}
		queries = append(queries, l.text)
	}
	if len(queries) == 0 || len(queries) > maxQueries {
		return nil, usage("To ask none: --query-via 0.",
			"--queries: %s holds %d queries, not 1 to %d", file, len(queries), maxQueries)
	}
	return queries, nil
}

const contactHint = `Every host that is visited sees who can be asked about it, or asked to be left out: give an
e-mail address or a web page by --contact. It is sent as part of the User-Agent.`

func checkContact(contact string, scope pace.Scope) error {
	switch {
	case contact == "" && scope == pace.Live:
		return usage(contactHint, "--contact is missing")
	case contact != "" && !strings.ContainsAny(contact, "@:"), len(contact) > maxContact,
		strings.ContainsFunc(contact, func(r rune) bool { return r <= ' ' || r > '~' || r == '(' || r == ')' }):
		return usage(contactHint, "--contact: %q is neither an e-mail address nor a page", contact)
	}
	return nil
}

func (s settings) validate(scope pace.Scope) error {
	if err := checkContact(s.Contact, scope); err != nil {
		return err
	}
	switch {
	case s.Workers < 1 || s.Workers > 10_000:
		return usage("", "--workers: %d is not between 1 and 10000", s.Workers)
	case s.MaxHosts < 0:
		return usage("0 means no limit.", "--max-hosts: %d is negative", s.MaxHosts)
	case s.OneWord < 0:
		return usage("0 means no limit.", "--one-word: %d is negative", s.OneWord)
	case s.Duration < 0:
		return usage("0 means no limit.", "--duration: %v is negative", s.Duration)
	case s.Revisit < 0:
		return usage("0 means that nobody is visited again.", "--revisit: %v is negative", s.Revisit)
	case s.QueryVia < 0 || s.QueryVia > 100:
		return usage("", "--query-via: %d is not between 0 and 100", s.QueryVia)
	case s.Patience < 0:
		return usage("0 means none.", "--database-patience: %v is negative", s.Patience)
	case s.QueryWait <= 0:
		return usage("", "--query-wait: %v is no time to wait", s.QueryWait)
	}
	if err := s.limits(scope).Validate(); err != nil {
		return usage("The rates are --rate, --rate-per-host, --rate-per-prefix, --opens, --datagrams and --bytes, a second; "+
			"the bounds --connections and --strangers.", "%w", err)
	}
	return nil
}

func (s settings) limits(scope pace.Scope) pace.Limits {
	l := pace.Default(scope)
	l.Visits, l.Opens, l.Datagrams, l.Bytes = s.Rate, s.Opens, s.Datagrams, s.Bytes
	l.Connections, l.Strangers = s.Connections, s.Strangers
	if l.Connections == 0 {
		l.ConnectionsNear = 0
	}
	return l
}

// pacer makes the one way out that the settings allow.
func (s settings) pacer(log *slog.Logger) (*pace.Pacer, error) {
	scope, err := pace.ParseScope(s.Scope)
	if err != nil {
		return nil, err
	}
	limits := s.limits(scope)
	limits.Log = log
	if s.Exclude != "" {
		if limits.Exclude, err = pace.LoadExclusions(s.Exclude, log); err != nil {
			return nil, usage("The file must hold one address or prefix a line.", "--exclude: %w", err)
		}
	}
	p, err := pace.New(limits)
	if err != nil {
		return nil, fmt.Errorf("pace the crawl: %w", err)
	}
	return p, nil
}
