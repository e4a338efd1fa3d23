package figure

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/probe"
	"gnucensus/storage/storagetest"
)

// chartOf makes a figure without painting it.
func chartOf(t *testing.T, a *Album, name string) (*chart, string) {
	t.Helper()
	d, err := find(name)
	if err != nil {
		t.Fatal(err)
	}
	made, err := d.make(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return made.painter.(*chart), made.method
}

// curveNamed returns the points of the curve whose name begins so.
func curveNamed(t *testing.T, ch *chart, name string) []point {
	t.Helper()
	for _, l := range ch.layers {
		if c, ok := l.(*curve); ok && strings.HasPrefix(c.name, name) {
			return c.data
		}
	}
	t.Fatalf("no curve %s", name)
	return nil
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// Figures of the published graph agree with what is published of it.
func TestPublishedFigures(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	a := open(t, db, published(t, db))

	ch, method := chartOf(t, a, "degrees")
	visited, heardOf := curveNamed(t, ch, "visited (2,465)"), curveNamed(t, ch, "only heard of (3,836)")
	first, last := visited[0], visited[len(visited)-1]
	if first != (point{1, 100}) || !near(last.x, 97) || !near(last.y, 100.0/2465) {
		t.Errorf("degrees of the visited from %v to %v", first, last)
	}
	if heardOf[0] != (point{1, 100}) {
		t.Errorf("degrees of those only heard of from %v", heardOf[0])
	}
	if !strings.Contains(method, "fitted to the tail of the visited hosts") || len(ch.layers) != 5 {
		t.Errorf("%d layers, method %q", len(ch.layers), method)
	}

	_, method = chartOf(t, a, "distances")
	for _, figure := range []string{"mean 4.64", "within 5.49", "diameter 9."} {
		if !strings.Contains(method, figure) {
			t.Errorf("distances: no %q in %q", figure, method)
		}
	}

	ch, _ = chartOf(t, a, "cores")
	inner := curveNamed(t, ch, "visited")
	if last := inner[len(inner)-1]; last.x != 11 || last.y != 0 || inner[len(inner)-2].y == 0 || inner[0] != (point{0, 100}) {
		t.Errorf("cores: %v", inner)
	}

	ch, _ = chartOf(t, a, "resilience")
	for _, name := range []string{"at random", "by degree"} {
		left := curveNamed(t, ch, name)
		first, last := left[0], left[len(left)-1]
		if !near(first.y, 100*6299.0/6301) || last != (point{100, 0}) || len(left) != removals+1 {
			t.Errorf("%s: %d points from %v to %v", name, len(left), first, last)
		}
	}
	if random, degree := curveNamed(t, ch, "at random"), curveNamed(t, ch, "by degree"); random[60].y < 2*degree[60].y {
		t.Errorf("30 %% removed: at random %v, by degree %v", random[60], degree[60])
	}
}

// A census of which every number is known.
func small(t *testing.T) *Album {
	db := storagetest.New(t)
	one := talk(1, probe.TCPCrawl, probe.Answered)
	one.Role, one.Agent = probe.Ultrapeer, "LimeWire/5.5.16"
	one.Peers = []probe.Peer{{Endpoint: endpoint(2), Relation: probe.PeerLink}}
	for leaf := 10; leaf < 15; leaf++ {
		one.Peers = append(one.Peers, probe.Peer{Endpoint: endpoint(leaf), Relation: probe.LeafLink})
	}
	obs := []probe.Observation{one}
	for i, files := range []int64{0, 0, 5, 95} {
		o, kib := talk(10+i, probe.Leaf, probe.Answered), files*100
		o.Role, o.Agent, o.Files, o.KiB = probe.LeafRole, "gtk-gnutella/1.2.3", &files, &kib
		obs = append(obs, o)
	}
	asked := talk(1, probe.Query, probe.Answered)
	asked.Query = "free jazz"
	asked.Hits = []probe.Hit{
		{Responder: endpoint(12), Servent: [16]byte{12}, Delay: 300e6, Hops: 2, Results: 1},
		{Responder: endpoint(13), Servent: [16]byte{13}, Delay: 100e6, Hops: 1, Results: 1},
		{Responder: endpoint(13), Servent: [16]byte{13}, Delay: 100e6, Hops: 2, Results: 4},
	}
	silent := asked
	silent.Hits = nil
	return open(t, db, record(t, db, append(obs, asked, silent)...))
}

func TestSmallFigures(t *testing.T) {
	t.Parallel()
	a := small(t)
	for _, test := range []struct {
		figure, curve string
		want          []point
	}{
		{"leaves", "visited (1)", []point{{5, 100}}},
		{"parents", "visited (4)", []point{{1, 100}}},
		{"parents", "only heard of (1)", []point{{1, 100}}},
		{"files", "all hosts (4)", []point{{5, 50}, {95, 25}}},
		{"lorenz", "files: 4 hosts, Gini 0.725", []point{{0, 0}, {50, 0}, {75, 5}, {100, 100}}},
		{"lorenz", "data: 4 hosts, Gini 0.725", []point{{0, 0}, {50, 0}, {75, 5}, {100, 100}}},
		{"responses", "hits: 2 hosts, Gini 0.167", []point{{0, 0}, {50, 100.0 / 3}, {100, 100}}},
		{"responses", "results: 2 hosts, Gini 0.333", []point{{0, 0}, {50, 1000.0 / 60}, {100, 100}}},
		{"latency", "first hit (2 queries)", []point{{100, 50}}},
		{"latency", "all hits (3 hits)", []point{{100, 200.0 / 3}, {300, 100}}},
		{"cores", "visited (5)", []point{{0, 100}, {1, 100}, {2, 0}}},
	} {
		ch, _ := chartOf(t, a, test.figure)
		if diff := cmp.Diff(test.want, curveNamed(t, ch, test.curve), cmp.AllowUnexported(point{})); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", test.figure, test.curve, diff)
		}
	}
	ch, _ := chartOf(t, a, "hits")
	if mean := curveNamed(t, ch, "mean"); mean[len(mean)-1] != (point{0.3, 1.5}) {
		t.Errorf("hits over time end at %v", mean[len(mean)-1])
	}
}

// A host of whom no link is told has no place in the distribution, which says how many there are.
func TestDegreesLeaveOutWhatNobodyTold(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	lister, rumour := talk(1, probe.TCPCrawl, probe.Answered), probe.Peer{Endpoint: endpoint(4), Relation: probe.XTry}
	lister.Peers = []probe.Peer{{Endpoint: endpoint(2), Relation: probe.PeerLink}, rumour}
	dead := talk(3, probe.TCPCrawl, probe.ConnectTimeout)
	ch, method := chartOf(t, open(t, db, record(t, db, lister, dead)), "degrees")
	for _, curve := range []string{"visited (1)", "only heard of (1)"} {
		if got := curveNamed(t, ch, curve); len(got) != 1 || got[0] != (point{1, 100}) {
			t.Errorf("%s: %v", curve, got)
		}
	}
	if want := "Left out are 1 visited and 1 only heard of"; !strings.Contains(method, want) {
		t.Errorf("no %q in %q", want, method)
	}
}

// A caption explains what its figure shows, and nothing else.
func TestCaptionsTellWhatIsDrawn(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	pair := talk(1, probe.TCPCrawl, probe.Answered)
	pair.Role, pair.Peers = probe.Ultrapeer, []probe.Peer{{Endpoint: endpoint(2), Relation: probe.PeerLink}}
	other := talk(2, probe.TCPCrawl, probe.Answered)
	other.Role = probe.Ultrapeer
	met := open(t, db, record(t, db, pair, other))
	rude := open(t, db, record(t, db, talk(1, probe.TCPCrawl, probe.Closed), talk(2, probe.UDPPing, probe.Silent)))
	known := small(t)
	for _, test := range []struct {
		album        *Album
		figure, word string
		want         bool
	}{
		{known, "latency", "timed from", true}, {known, "hits", "timed from", true},
		{known, "responses", "timed from", false}, {known, "hops", "timed from", false},
		{known, "network", "pale", true}, {met, "network", "pale", false},
		{known, "cores", "only heard of", true}, {met, "cores", "only heard of", false},
		{known, "parents", "kept apart", true}, {known, "leaves", "kept apart", false},
		{known, "lorenz", "KiB", true}, {met, "lorenz", "KiB", false},
		{known, "reachability", "Broke off", false}, {rude, "reachability", "Broke off", true},
		{known, "reachability", "Timed out", false}, {rude, "reachability", "no datagram came back", true},
		{known, "reachability", "Firewalled", false}, {rude, "reachability", "Firewalled", false},
		{known, "outcomes", "No servent spoke", false}, {rude, "outcomes", "No servent spoke", true},
		{known, "outcomes", "Our doing", false}, {rude, "outcomes", "No reply", true},
	} {
		d, err := find(test.figure)
		if err != nil {
			t.Fatal(err)
		}
		made, err := d.make(t.Context(), test.album)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(made.method, test.word); got != test.want {
			t.Errorf("%s has %q: %t, want %t: %s", test.figure, test.word, got, test.want, made.method)
		}
	}
	for figure, label := range map[string]string{
		"lorenz": "share of all that they hold (%)", "responses": "share of all answers (%)",
	} {
		if ch, _ := chartOf(t, known, figure); ch.y.label != label {
			t.Errorf("%s has the axis %q", figure, ch.y.label)
		}
	}
}

func TestOneOfAThing(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	asked := talk(1, probe.Query, probe.Answered)
	asked.Query, asked.Agent = "free jazz", "LimeWire/5.5.16"
	asked.Hits = []probe.Hit{{Responder: endpoint(2), Servent: [16]byte{2}, Delay: 300e6, Hops: 2, Results: 1}}
	a := open(t, db, record(t, db, asked))
	for figure, want := range map[string]string{"hops": "Share of 1 hit by", "hits": "of 1 query,", "agents": "that 1 host named"} {
		if _, method := chartOf(t, a, figure); !strings.Contains(method, want) {
			t.Errorf("%s has no %q: %s", figure, want, method)
		}
	}
	ch, _ := chartOf(t, a, "latency")
	curveNamed(t, ch, "first hit (1 query)")
	curveNamed(t, ch, "all hits (1 hit)")
	ch, _ = chartOf(t, a, "responses")
	curveNamed(t, ch, "hits: 1 host,")
	if note := a.about.note(); !strings.HasPrefix(note, "Coverage: 1 host heard of;") {
		t.Error(note)
	}
}

// bars returns the lengths of the bars of a layer, from the first drawn.
func bars(t *testing.T, ch *chart, name string) []float64 {
	t.Helper()
	for _, l := range ch.layers {
		if b, ok := l.(*boxes); ok && b.name == name {
			var lengths []float64
			for _, box := range b.list {
				lengths = append(lengths, box.to.x-box.from.x)
			}
			return lengths
		}
	}
	t.Fatalf("no bars %q", name)
	return nil
}

func TestSmallBars(t *testing.T) {
	t.Parallel()
	a := small(t)
	same := cmp.Comparer(near)
	ch, _ := chartOf(t, a, "freeriders")
	if diff := cmp.Diff([]float64{50, 50, 75, 75, 100, 100}, bars(t, ch, "of those that told"), same); diff != "" {
		t.Errorf("free riders: %s", diff)
	}
	// Three of seven hosts did not tell: they are as many more.
	if diff := cmp.Diff(slices.Repeat([]float64{300.0 / 7}, 6), bars(t, ch, "bounds"), same); diff != "" {
		t.Errorf("bounds: %s", diff)
	}
	names := []string{
		"at most 100 files, or silent: 100.0 %", "at most 100 files: 100.0 %",
		"at most 10 files, or silent: 75.0 %", "at most 10 files: 75.0 %",
		"no file, or silent: 50.0 %", "no file: 50.0 %",
	}
	if diff := cmp.Diff(names, ch.y.names); diff != "" {
		t.Errorf("free riders: %s", diff)
	}
	ch, _ = chartOf(t, a, "agents")
	if diff := cmp.Diff([]string{"LimeWire", "gtk-gnutella"}, ch.y.names); diff != "" {
		t.Errorf("agents: %s", diff)
	}
	if diff := cmp.Diff([]float64{80, 20}, bars(t, ch, ""), same); diff != "" {
		t.Errorf("agents: %s", diff)
	}
	ch, _ = chartOf(t, a, "outcomes")
	if diff := cmp.Diff([]string{"query (2)", "leaf (4)", "tcp-crawl (1)", "any (7)"}, ch.y.names); diff != "" {
		t.Errorf("outcomes: %s", diff)
	}
	if diff := cmp.Diff([]float64{500.0 / 7, 100, 100, 100}, bars(t, ch, "answered"), same); diff != "" {
		t.Errorf("answered: %s", diff)
	}
	if diff := cmp.Diff([]float64{200.0 / 7}, bars(t, ch, "not visited"), same); diff != "" {
		t.Errorf("not visited: %s", diff)
	}
}

// Who told of features has none that it did not name; the others do not count.
func TestAbilitiesAndReachability(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	shook, ponged := talk(1, probe.Leaf, probe.Answered), talk(2, probe.UDPPing, probe.Answered)
	shook.Role, shook.Fields = probe.Ultrapeer, map[string]string{"accept-encoding": "deflate", "ggep": "0.5"}
	shook.Peers = []probe.Peer{{Endpoint: endpoint(3), Relation: probe.LeafLink}}
	files := int64(1)
	ponged.Files = &files
	a := open(t, db, record(t, db, shook, ponged, talk(3, probe.TCPCrawl, probe.ConnectTimeout), talk(4, probe.TCPCrawl, probe.Closed)))
	ch, _ := chartOf(t, a, "abilities")
	if names := ch.y.names; names[len(names)-1] != "deflate (1 of 1)" || names[len(names)-2] != "GGEP (1 of 2)" {
		t.Errorf("abilities: %q", names)
	}
	if lengths := bars(t, ch, ""); !near(lengths[0], 100) || !near(lengths[1], 50) {
		t.Errorf("abilities: %v", lengths)
	}
	ch, _ = chartOf(t, a, "reachability")
	want := []string{"udp-ping (1)", "leaf (1)", "tcp-crawl (2)", "any, not told (2)", "any, leaf (1)", "any, ultrapeer (1)", "any (4)"}
	if diff := cmp.Diff(want, ch.y.names); diff != "" {
		t.Errorf("reachability: %s", diff)
	}
	if diff := cmp.Diff([]float64{25, 100, 50}, bars(t, ch, "firewalled"), cmp.Comparer(near)); diff != "" {
		t.Errorf("firewalled: %s", diff)
	}
}

// Every outcome that there is has a fate.
func TestFates(t *testing.T) {
	t.Parallel()
	rows, err := storagetest.New(t).Select(t.Context(), "SELECT outcome FROM report.outcome")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows.Values {
		if _, known := fateOf[row[0].(string)]; !known {
			t.Errorf("outcome %v has none", row[0])
		}
	}
}

// A figure that has nothing to show says what is missing.
func TestNothingToShow(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	snapshots := nothing(t, db)
	for _, test := range []struct{ snapshot, figure, want string }{
		{"empty", "network", noHost},
		{"empty", "resilience", noHost},
		{"empty", "outcomes", noHost},
		{"empty", "degrees", "The snapshot has no link: no host told of any."},
		{"empty", "files", noFiles},
		{"empty", "freeriders", noFiles},
		{"empty", "latency", noQuery},
		{"empty", "agents", "No host named its software."},
		{"empty", "abilities", "No host told what it can do."},
		{"empty", "reachability", noHost},
		{"one", "network", noLink},
		{"one", "distances", noLink},
		{"one", "cores", noLink},
		{"one", "peers", "No link between ultrapeers is known."},
		{"one", "files", "No host shares a file, of 1 that told."},
		{"riders", "lorenz", "No host that told what it shares shares anything: there is nothing to hold a part of."},
		{"unmeasured", "lorenz", noFiles},
		{"unmeasured", "agents", "No host named its software."},
		{"unanswered", "latency", "No query had a hit, of 1 asked."},
		{"unanswered", "hits", "No query had a hit, of 1 asked."},
		{"empty", "responses", noQuery},
		{"unanswered", "responses", "No query had a hit, of 1 asked."},
		{"unanswered", "hops", "No query had a hit, of 1 asked."},
	} {
		ch, _ := chartOf(t, open(t, db, snapshots[test.snapshot]), test.figure)
		if ch.empty != test.want {
			t.Errorf("%s, %s: %q, want %q", test.snapshot, test.figure, ch.empty, test.want)
		}
	}
	if ch, _ := chartOf(t, open(t, db, snapshots["riders"]), "freeriders"); ch.empty != "" {
		t.Errorf("free riders alone: %q", ch.empty)
	}
}

// What takes the whole graph is computed once for a version of the code, from links that are read for it or for the reports.
func TestKept(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	snapshot := record(t, db, census(4, 20, 50, 0)...)
	kept := func(version string) (all map[string]series, read bool) {
		a, err := Open(t.Context(), db, snapshot, version)
		if err != nil {
			t.Fatal(err)
		}
		all = map[string]series{}
		for _, name := range []string{"distances", "cores", "resilience"} {
			if all[name], err = a.kept(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		return all, a.read.topology != nil
	}
	first, read := kept("v1")
	if !read || len(first["cores"]["visited"]) == 0 {
		t.Errorf("links read: %v; series %v", read, first)
	}
	second, read := kept("v1")
	if diff := cmp.Diff(first, second); diff != "" || read {
		t.Errorf("links read again: %v; series (-first +second):\n%s", read, diff)
	}
	a, err := Open(t.Context(), db, snapshot, "v2")
	if err != nil {
		t.Fatal(err)
	}
	of, err := a.topology(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Keep(t.Context(), of.Measured, of.visited, of.roles); err != nil {
		t.Fatal(err)
	}
	third, read := kept("v2")
	if diff := cmp.Diff(first, third); diff != "" || read {
		t.Errorf("links read again: %v; series (-by figures +by reports):\n%s", read, diff)
	}
	if _, read := kept("v3"); !read {
		t.Error("another version took the series of the first")
	}
}
