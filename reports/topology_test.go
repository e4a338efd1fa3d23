package reports_test

import (
	"math"
	"testing"

	"gnucensus/reports"
	"gnucensus/storage"
)

// near looks at a figure of which only so much is known.
func near(t *testing.T, r *reports.Report, want, within float64, column string, row ...string) {
	t.Helper()
	got, ok := value(t, r, column, row...).(float64)
	if !ok || math.Abs(got-want) > within {
		t.Errorf("report %s, %s of %v is %v, want %v", r.Name, column, row, got, want)
	}
}

// What the reports tell of a network that was really crawled: a tail that no power law fits, a small world, and hubs whose
// loss takes it apart.
func TestStructureOfAPublishedGraph(t *testing.T) {
	t.Parallel()
	db := database(t)
	snapshot := importPublished(t, db)

	tails := run(t, db, "tails", snapshot)
	near(t, tails, 4.8, 0.1, "value", "links per host", "power law, exponent")
	near(t, tails, 0, 0.001, "p", "links per host", "power law, distance")
	for figure, want := range map[string]any{
		"power law, distance": "power law ruled out", "against log-normal, z": "not told apart",
		"against exponential, z": "power law nearer",
	} {
		if got := value(t, tails, "verdict", "links per host", figure); got != want {
			t.Errorf("%s: %v, want %v", figure, got, want)
		}
	}
	if got := value(t, tails, "verdict", "peers per ultrapeer", "tail, from"); got != "no tail" {
		t.Errorf("peers of ultrapeers in a network without any: %v", got)
	}

	// Of 6,301 hosts with 20,777 links, chance makes a triangle of (2m/n)³/6 triples, clustering of 2m/n², and a mean distance
	// of about ln n / ln (2m/n).
	const hosts, links = 6301.0, 20777.0
	random := run(t, db, "random", snapshot)
	near(t, random, links, 0, "random", "edges")
	near(t, random, math.Pow(2*links/hosts, 3)/6, 30, "random", "triangles")
	near(t, random, 2*links/hosts/hosts, 0.0003, "random", "closed triads, 3T/(3T+O)")
	near(t, random, math.Log(hosts)/math.Log(2*links/hosts), 0.3, "random", "mean distance")
	near(t, random, 2383, 0, "snapshot", "triangles")
	near(t, random, 9.4, 0.5, "snapshot", "small-world coefficient")

	resilience := run(t, db, "resilience", snapshot)
	for i, row := range resilience.Rows {
		removed, degree, mean := row[0].(int64), row[1].(float64), row[2].(float64)
		if smallest, largest := row[3].(float64), row[4].(float64); smallest > mean || mean > largest || degree > smallest+0.001 {
			t.Errorf("%d %% removed: %v", removed, row)
		}
		if whole := 100 * 6299.0 / 6301; i == 0 && (removed != 0 || degree != whole || mean != whole) {
			t.Errorf("nothing removed: %v", row)
		}
		if removed == 40 && (degree > 1 || mean < 45) {
			t.Errorf("40 %% removed: %v", row)
		}
	}
}

// The column of the visited is what a snapshot of them alone would give.
func TestVisitedAlone(t *testing.T) {
	t.Parallel()
	db := database(t)
	told := [][2]uint64{{1, 2}, {2, 3}, {3, 1}, {3, 4}, {4, 5}, {5, 1}, {1, 101}, {2, 101}, {3, 102}, {4, 102}, {5, 103}, {1, 103}}
	list := func(yield func(storage.Edge, error) bool, only func([2]uint64) bool) {
		for _, e := range told {
			if only(e) && !yield(storage.Edge{From: e[0], To: e[1]}, nil) {
				return
			}
		}
	}
	both := func(yield func(storage.Edge, error) bool) { list(yield, func([2]uint64) bool { return true }) }
	alone := func(yield func(storage.Edge, error) bool) { list(yield, func(e [2]uint64) bool { return e[1] < 100 }) }
	var made []*reports.Report
	for _, edges := range []func(func(storage.Edge, error) bool){both, alone} {
		snapshot, err := db.ImportEdges(t.Context(), meta, edges)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, run(t, db, "topology", snapshot))
	}
	compared := 0
	for _, row := range made[1].Rows {
		switch row[0] {
		case "degrees", "cores", "distances", "clustering", "weak components":
			if row[1] == "Gini coefficient" {
				continue // of all links of the visited
			}
			compared++
			if got := value(t, made[0], "visited", row[0].(string), row[1].(string)); got != row[5] {
				t.Errorf("%s, %s: %v of the visited, %v of a snapshot of them alone", row[0], row[1], got, row[5])
			}
		}
	}
	if compared < 14 {
		t.Errorf("only %d figures were compared", compared)
	}
	near(t, made[0], 1.0/9, 0.00001, "visited", "degrees", "Gini coefficient")   // of 5, 3, 4, 3 and 3 links
	near(t, made[0], 0, 0.00001, "only_heard_of", "degrees", "Gini coefficient") // each has two
}
