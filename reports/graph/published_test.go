package graph_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnucensus/reports/graph"
)

// published holds what is known of p2p-Gnutella08, a crawl of 8 August 2002 (Ripeanu, Foster, Iamnitchi; SNAP collection of
// Stanford University): the figures of its page there, and those that the page gives in two definitions or by sampling,
// computed anew by others. testdata holds the file, compressed.
var published = map[string]string{
	"hosts":                                "6301",
	"edges":                                "20777",
	"largest weak component, hosts":        "6299",
	"largest weak component, edges":        "20776",
	"largest strong component, hosts":      "2068",
	"largest strong component, edges":      "9313",
	"weak components":                      "2",
	"strong components":                    "4234",
	"clustering, all hosts":                "0.0109",
	"clustering, two neighbours or more":   "0.0150",
	"triangles":                            "2383",
	"closed triads, triangles once":        "0.006983",
	"closed triads, triangles three times": "0.02066",
	"diameter":                             "9 9",
	"effective diameter":                   "5.49",
	"mean distance":                        "4.643",
	"largest degree":                       "97",
	"median degree":                        "3",
	"hosts of degree 1":                    "0.277",
	"gini of degrees":                      "0.524",
	"assortativity":                        "0.035550",
	"reciprocity":                          "0",
	"largest core":                         "10",
}

func TestMeasuresOfAPublishedGraph(t *testing.T) {
	t.Parallel()
	g := readPublished(t, "testdata/p2p-Gnutella08.txt.gz")
	weak, strong, triangles, distances := g.Weak(), g.Strong(), g.Triangles(), measured(t, g, nil)
	all, paired := triangles.Clustering()
	once, corners := triangles.Closed()
	degrees := slices.Sorted(slices.Values(g.Degrees()))
	single := 0
	for _, d := range degrees {
		if d == 1 {
			single++
		}
	}
	got := map[string]string{
		"hosts":                                fmt.Sprint(g.Hosts()),
		"edges":                                fmt.Sprint(g.Edges()),
		"largest weak component, hosts":        fmt.Sprint(weak.Sizes[weak.Largest()]),
		"largest weak component, edges":        fmt.Sprint(g.WeakEdges(weak, weak.Largest())),
		"largest strong component, hosts":      fmt.Sprint(strong.Sizes[strong.Largest()]),
		"largest strong component, edges":      fmt.Sprint(g.StrongEdges(strong, strong.Largest())),
		"weak components":                      fmt.Sprint(len(weak.Sizes)),
		"strong components":                    fmt.Sprint(len(strong.Sizes)),
		"clustering, all hosts":                fmt.Sprintf("%.4f", all),
		"clustering, two neighbours or more":   fmt.Sprintf("%.4f", paired),
		"triangles":                            fmt.Sprint(triangles.Total),
		"closed triads, triangles once":        fmt.Sprintf("%.6f", once),
		"closed triads, triangles three times": fmt.Sprintf("%.5f", corners),
		"diameter":                             fmt.Sprint(distances.Least, distances.Most),
		"effective diameter":                   fmt.Sprintf("%.2f", distances.Effective(0.9)),
		"mean distance":                        fmt.Sprintf("%.3f", distances.Mean()),
		"largest degree":                       fmt.Sprint(degrees[len(degrees)-1]),
		"median degree":                        fmt.Sprint(degrees[len(degrees)/2]),
		"hosts of degree 1":                    fmt.Sprintf("%.3f", float64(single)/float64(g.Hosts())),
		"gini of degrees":                      fmt.Sprintf("%.3f", graph.Gini(degrees)),
		"assortativity":                        fmt.Sprintf("%.6f", g.Assortativity()),
		"reciprocity":                          fmt.Sprint(g.Reciprocity()),
		"largest core":                         fmt.Sprint(slices.Max(g.Cores())),
	}
	if diff := cmp.Diff(published, got); diff != "" {
		t.Errorf("measures differ from the publication (-published +ours):\n%s", diff)
	}
}

// readPublished reads an edge list whose hosts are numbered from 0 without gaps.
func readPublished(t *testing.T, name string) *graph.Graph {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var edges [][2]int32
	hosts := int32(0)
	lines := bufio.NewScanner(plain)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		var from, to int32
		if _, err := fmt.Sscan(lines.Text(), &from, &to); err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		edges = append(edges, [2]int32{from, to})
		hosts = max(hosts, from+1, to+1)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return build(t, int(hosts), edges)
}

func build(t interface{ Fatal(...any) }, hosts int, edges [][2]int32) *graph.Graph {
	b := graph.NewBuilder(hosts)
	for _, e := range edges {
		if err := b.Add(e[0], e[1]); err != nil {
			t.Fatal(err)
		}
	}
	return b.Graph()
}
