package lab

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"gnucensus/servent"
	"gnucensus/servent/library"
	"gnucensus/servent/message"
)

// What is found on one host of ten, five files on each.
const (
	commonWords = "aurora borealis"
	commonFiles = 5
)

// crowd builds the network that searches are tried on: queries end with as many results as the protocol asks for.
func crowd(tb testing.TB, base string) *Net {
	tb.Helper()
	n, err := New(Plan{
		Ultrapeers: 30, Leaves: 300, HopWait: 200 * time.Millisecond, Results: 150,
		Base: netip.MustParseAddr(base), Seed: 11,
	})
	if err != nil {
		tb.Fatal(err)
	}
	hosts := len(n.configs)
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(hosts)[:hosts/10] {
		var files []library.File
		for m := range n.configs[i].Library.All() {
			files = append(files, m.File)
		}
		for k := range commonFiles {
			files = append(files, library.File{Name: fmt.Sprintf("%s %d.ogg", commonWords, k)})
		}
		n.configs[i].Library = library.New(files)
	}
	return n
}

// rare returns questions that one file of the network answers.
func (n *Net) rare() (questions []string) {
	copies := make(map[string]int)
	for _, c := range n.configs {
		for f := range c.Library.All() {
			copies[f.Name]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(copies)) {
		if copies[name] == 1 {
			questions = append(questions, strings.TrimSuffix(name, name[strings.LastIndexByte(name, '.'):]))
		}
	}
	return questions
}

// leaf returns one of the leaves.
func (n *Net) leaf(r *rand.Rand) *servent.Node {
	return n.nodes[n.plan.Ultrapeers+r.IntN(n.plan.Leaves)]
}

// find searches until there are enough results, and returns how many there are when the search ends.
func find(ctx context.Context, from *servent.Node, words string, enough int) (results int) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for hit := range from.Search(ctx, message.Query{Words: words}) {
		if results += len(hit.Results); results >= enough {
			break
		}
	}
	return results
}

// queries returns how many copies of queries have been sent over all links, once no node asks any more.
func (n *Net) queries(tb testing.TB) (sent int) {
	tb.Helper()
	busy := func(node *servent.Node) bool { return node.Stats().Askings > 0 }
	for look := time.NewTicker(lookAgain); slices.ContainsFunc(n.nodes, busy); {
		select {
		case <-look.C:
		case <-tb.Context().Done():
			tb.Fatal("nodes ask on")
		}
	}
	for _, node := range n.nodes {
		for _, l := range node.Links() {
			sent += int(l.Sent[message.TypeQuery].Messages)
		}
	}
	return sent
}

// flood returns how many messages a query from a leaf costs, on average, that is sent to every neighbour with TTL 7, and that
// every ultrapeer relays to all of its other links, once.
func (n *Net) flood() float64 {
	type copy struct {
		at, before netip.AddrPort
		ttl        int
	}
	hosts, messages, leaves := index(n), 0, 0
	for _, h := range n.truth {
		if h.Role != servent.Leaf {
			continue
		}
		leaves++
		seen := map[netip.AddrPort]bool{h.Addr: true}
		queue := []copy{{at: h.Addr, ttl: 8}}
		for ; len(queue) > 0; queue = queue[1:] {
			c := queue[0]
			if c.ttl == 1 || hosts[c.at].Role == servent.Leaf && c.at != h.Addr {
				continue
			}
			for _, next := range hosts[c.at].Links {
				if next == c.before {
					continue
				}
				messages++
				if !seen[next] {
					seen[next] = true
					queue = append(queue, copy{next, c.at, c.ttl - 1})
				}
			}
		}
	}
	return float64(messages) / float64(leaves)
}

// TestSearches: nearly every rare file is found from any leaf, a common one often enough, and both for a tenth of the messages
// that a flood takes. Who asks for hits out of band gets them so.
func TestSearches(t *testing.T) {
	t.Parallel()
	n := crowd(t, "127.31.8.1")
	launch(t, n)
	const tries = 100
	var found atomic.Int32
	searches, r, questions := new(errgroup.Group), rand.New(rand.NewPCG(2, 2)), n.rare()
	searches.SetLimit(10)
	for range tries {
		leaf, words := n.leaf(r), questions[r.IntN(len(questions))]
		searches.Go(func() error {
			found.Add(int32(find(t.Context(), leaf, words, 1)))
			return nil
		})
	}
	searches.Wait()
	if found.Load() < 95 {
		t.Errorf("%d of %d rare files were found", found.Load(), tries)
	}
	const common = 10
	for range common {
		if results := find(t.Context(), n.leaf(r), commonWords, 100); results < 100 {
			t.Errorf("a common file has %d results", results)
		}
	}
	cost, flood := float64(n.queries(t))/(tries+common), n.flood()
	t.Logf("%.0f messages a query, %.0f with a flood", cost, flood)
	if 10*cost > flood {
		t.Errorf("a query costs %.0f messages, a flood %.0f", cost, flood)
	}
	if paths := n.paths(t, n.leaf(r)); paths[servent.OutOfBand] < 50 {
		t.Errorf("results by path: %v", paths)
	}
}

// paths asks out of band for what is common, and returns by which way how many of 100 results come.
func (n *Net) paths(t *testing.T, from *servent.Node) map[servent.Path]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	paths, results := make(map[servent.Path]int), 0
	for hit := range from.Search(ctx, message.Query{Flags: message.QueryOOB, Words: commonWords}) {
		paths[hit.Path] += len(hit.Results)
		if results += len(hit.Results); results >= 100 {
			break
		}
	}
	return paths
}
