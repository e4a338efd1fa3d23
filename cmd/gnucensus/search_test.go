package main

import (
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnucensus/servent"
)

// folder makes a folder with files of the given names, each with its name in it.
func folder(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// serve starts a servent that prints events, and returns when it has a link or, without --connect, when it listens.
func serve(t *testing.T, at string, args ...string) *process {
	t.Helper()
	p := start(t, append([]string{"servent", "--format", "json", "--listen", at}, args...)...)
	event := "standing"
	if slices.Contains(args, "--connect") {
		event = "link begins"
	}
	p.await(t, event)
	return p
}

// A serventEvent is a line of a servent.
type serventEvent struct {
	Event, Addr, Role, Agent string
	Words, Path, Of          string
	Results, Code            int
	Files, Queries           int
	HitsSent                 int `json:"hits_sent"`
	Links                    []struct {
		Addr, Role, Agent string
		Received          int `json:"bytes_received"`
	}
}

// await reads events until one of a kind comes.
func (p *process) await(t *testing.T, kind string) (e serventEvent) {
	t.Helper()
	for line := range p.print {
		e = decode[serventEvent](t, line)
		if e.Event == kind {
			return e
		}
	}
	t.Fatalf("no event %q: %s", kind, p.end(t).stderr)
	return e
}

// A finding is a line of a search in JSON, or its last one.
type finding struct {
	Hops            int
	Path, Responder string
	Name, Magnet    string
	Bytes           int
	Results, Hosts  int
}

// found reads what a search printed as JSON: its results by responder, and the summary.
func found(t *testing.T, text string) (map[string]finding, finding) {
	t.Helper()
	results := make(map[string]finding)
	var last finding
	for d := json.NewDecoder(strings.NewReader(text)); d.More(); {
		last = finding{}
		if err := d.Decode(&last); err != nil {
			t.Fatal(err)
		}
		if last.Responder != "" {
			results[last.Responder] = last
		}
	}
	return results, last
}

// TestServentsAndSearch runs an ultrapeer, its leaf, and searches.
func TestServentsAndSearch(t *testing.T) {
	t.Parallel()
	const top, below = "127.80.1.1:6346", "127.80.1.2:6346"
	ultrapeer := serve(t, top, "--role", "ultrapeer", "--share", folder(t, "free music one.ogg", "notes.txt"))
	leaf := serve(t, below, "--role", "leaf", "--connect", top, "--share", folder(t, "free music two.ogg"))
	var results map[string]finding
	var summary finding
	eventually(t, "the leaf's table did not come", func() bool {
		results, summary = found(t, must(t, "search", "--via", top, "--wait", "1s", "--format", "json", "free", "music"))
		return summary.Results == 2
	})
	want := map[string]finding{
		top:   {Hops: 1, Path: "in-band", Responder: top, Name: "free music one.ogg", Bytes: 18},
		below: {Hops: 2, Path: "in-band", Responder: below, Name: "free music two.ogg", Bytes: 18},
	}
	if diff := cmp.Diff(want, results, cmpopts.IgnoreFields(finding{}, "Magnet")); diff != "" || summary.Hosts != 2 {
		t.Errorf("%+v\n%s", summary, diff)
	}
	results, _ = found(t, must(t, "search", "--via", top, "--mode", "oob", "--wait", "1s", "--format", "json", "free music"))
	if results[top].Path != "in-band" || results[below].Path != "out-of-band" || results[below].Hops != 1 {
		t.Errorf("out of band: %+v", results)
	}
	results, _ = found(t, must(t, "search", "--via", top, "--mode", "guess", "--wait", "1s", "--format", "json", "free music"))
	if results[top].Path != "GUESS" || results[top].Hops != 1 || results[below].Path != "GUESS" || results[below].Hops != 2 {
		t.Errorf("by GUESS: %+v", results)
	}
	table := must(t, "search", "--via", top, "--wait", "500ms", "notes")
	for _, part := range []string{"delay", "in-band", top, "notes.txt", "1 result in 1 hit of 1 host,"} {
		if !strings.Contains(table, part) {
			t.Errorf("no %q in\n%s", part, table)
		}
	}
	if text := must(t, "search", "--via", below, "--via", top, "--wait", "500ms", "nobody has it"); !strings.Contains(text, "no results") {
		t.Errorf("nothing found:\n%s", text)
	}
	if e := leaf.await(t, "pong"); e.Addr != top || e.Of != top || e.Files != 2 {
		t.Errorf("%+v", e)
	}
	if e := leaf.await(t, "query"); e.Addr != top || e.Path != "in-band" || e.Words != "free music" {
		t.Errorf("%+v", e)
	}
	if e := leaf.await(t, "hits sent"); e.Addr != top || e.Path != "in-band" || e.Results != 1 {
		t.Errorf("%+v", e)
	}
	leaf.interrupt(t)
	if e := leaf.await(t, "link ends"); e.Addr != top || e.Role != "ultrapeer" || e.Agent == "" {
		t.Errorf("%+v", e)
	}
	if r := leaf.end(t); r.code != exitDone || !strings.Contains(r.stderr, "shares 1 file;") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	ultrapeer.interrupt(t)
	if r := ultrapeer.end(t); r.code != exitDone || !strings.Contains(r.stdout, `"hits_sent":`) {
		t.Errorf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}

func (p *process) interrupt(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
}

// TestServentTellsRefusals: who is refused, and who refuses, is an event.
func TestServentTellsRefusals(t *testing.T) {
	t.Parallel()
	const one, other = "127.24.2.1:6346", "127.24.2.2:6346"
	first := serve(t, one, "--role", "leaf")
	second := start(t, "servent", "--format", "json", "--role", "leaf", "--listen", other, "--connect", one)
	if e := first.await(t, "refusal"); e.Code != 503 {
		t.Errorf("refused: %+v", e)
	}
	if e := second.await(t, "refusal"); e.Addr != one || e.Code != 503 || !strings.HasPrefix(e.Agent, "gnucensus/") {
		t.Errorf("refuses: %+v", e)
	}
}

var standingLine = regexp.MustCompile(`^up \S+s, ultrapeer: ultrapeers 0, leaves 0, files 1, queries 0, routes 0, hits sent 0\n`)

// TestServentTells: without a terminal, where it stands is told in a line.
func TestServentTells(t *testing.T) {
	t.Parallel()
	p := start(t, "servent", "--listen", "127.80.2.1:6346", "--role", "ultrapeer", "--share", folder(t, "one"))
	if line := <-p.line; !strings.Contains(line, "127.80.2.1:6346 shares 1 file;") {
		t.Errorf("said %q", line)
	}
	p.interrupt(t)
	if r := p.end(t); r.code != exitDone || !standingLine.MatchString(r.stderr) {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	serve(t, "127.80.2.2:6346")
	r := run(t, "servent", "--listen", "127.80.2.2:6346")
	if r.code != exitFailed || !strings.Contains(r.stderr, "by --listen") || strings.Contains(r.stderr, "Ctrl-C") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

// TestPages looks at what a terminal shows.
func TestPages(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	o := &overlay{w: &b}
	o.show("one\ntwo\n")
	o.Write([]byte("said\n"))
	o.show("three\n")
	if want := "one\ntwo\n" + "\x1b[2A\x1b[Jsaid\none\ntwo\n" + "\x1b[2A\x1b[Jthree\n"; b.String() != want {
		t.Errorf("wrote %q, want %q", b.String(), want)
	}
	if got := fit("short\nmuch too long\n", 8); got != "short\nmuch to\n" {
		t.Errorf("cut to %q", got)
	}
	node, err := servent.New(servent.Config{Addr: netip.MustParseAddrPort("127.80.2.3:6346"), Role: servent.Leaf})
	if err != nil {
		t.Fatal(err)
	}
	page := (&standing{node: node, began: time.Now()}).page(pageLines)
	if !strings.HasPrefix(page, "up 0s, leaf: ultrapeers 0, leaves 0") || !strings.Contains(page, "role") {
		t.Errorf("page:\n%s", page)
	}
}

// TestServentFlags gives each flag a value, on the command line and in the environment, and looks at what changes.
func TestServentFlags(t *testing.T) {
	base := []string{"servent", "--connect", "127.80.3.1:6346"}
	host := netip.MustParseAddrPort("127.80.3.2:6347")
	checkFlags(t, base, readServent, []flagChange[serventSettings]{
		{"listen", host.String(), func(s *serventSettings) { s.Listen = host }},
		{"cache", "127.80.3.9:3558", func(s *serventSettings) { s.Caches.UDP = []string{"127.80.3.9:3558"} }},
		{"role", "leaf", func(s *serventSettings) { s.Role = servent.Leaf }},
		{"share", "somewhere", func(s *serventSettings) { s.Share = []string{"somewhere"} }},
		{"limit", "500K", func(s *serventSettings) { s.Limit = 500 << 10 }},
	})
	s := capture(t, readServent, base...)
	if s.Listen.String() != "127.0.0.1:6346" || s.Role != servent.Auto || s.Connect[0].String() != "127.80.3.1:6346" {
		t.Errorf("without flags: %+v", s)
	}
}

// TestSearchFlags does the same for search.
func TestSearchFlags(t *testing.T) {
	host := netip.MustParseAddrPort("127.80.3.2:6347")
	s := capture(t, readSearch, "search", "--via", host.String(), "two", "words")
	if s.Via[0] != host || s.Words != "two words" || s.Mode != modeInBand || s.Wait != 30*time.Second {
		t.Errorf("without flags: %+v", s)
	}
	checkFlags(t, []string{"search", "words"}, readSearch, []flagChange[searchSettings]{
		{"via", host.String(), func(s *searchSettings) { s.Via = []netip.AddrPort{host} }},
		{"seeds", "file", func(s *searchSettings) { s.Seeds = "file" }},
		{"cache", host.String(), func(s *searchSettings) { s.Caches.UDP = []string{host.String()} }},
		{"mode", "oob", func(s *searchSettings) { s.Mode = modeOOB }},
		{"wait", "5s", func(s *searchSettings) { s.Wait = 5 * time.Second }},
	})
}

// TestSearchFindsUltrapeers searches without being told through whom, among the hosts of a file and of a cache.
func TestSearchFindsUltrapeers(t *testing.T) {
	t.Parallel()
	const top, other = "127.24.1.1:6346", "127.24.1.2:6346"
	serve(t, top, "--role", "ultrapeer", "--share", folder(t, "free music.ogg"))
	serve(t, other, "--role", "ultrapeer", "--connect", top)
	seeds := file(t, "127.24.1.9:6346", top) // nobody is at the first
	for name, args := range map[string][]string{
		"hosts of a file":         {"--seeds", seeds},
		"hosts of a file by UDP":  {"--seeds", seeds, "--mode", "guess"},
		"hosts of a cache":        {"--cache", top},
		"hosts of a cache by UDP": {"--cache", other, "--mode", "guess"}, // none is asked twice
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, append([]string{"search", "--wait", "6s", "--format", "json", "free music"}, args...)...)
			results, summary := found(t, r.stdout)
			if r.code != exitDone || summary.Results != 1 || results[top].Name != "free music.ogg" {
				t.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
			}
		})
	}
}

// TestSearchOfTheLiveNetwork looks at how a searcher that is told nothing is set up, and does not run it.
func TestSearchOfTheLiveNetwork(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	s := capture(t, readSearch, "search", "words")
	near, err := s.near(t.Context(), nil)
	if err != nil || near != faraway {
		t.Errorf("near %v, error %v", near, err)
	}
	b, err := s.bootstrap(true, nil)
	if err != nil || b.Links != leafLinks || len(b.UDPCaches) != len(knownCaches().UDP) || b.Hosts == nil || b.Calendar == nil {
		t.Errorf("%+v, error %v", b, err)
	}
}

// TestEventsDoNotWait: a servent does not wait for who reads its events; those that have no room are counted.
func TestEventsDoNotWait(t *testing.T) {
	t.Parallel()
	e := newEvents(io.Discard)
	for range eventsWaiting + 3 {
		e.link(servent.LinkEvent{})
	}
	if lost := e.lost.Load(); lost != 3 {
		t.Errorf("%d events lost", lost)
	}
}
