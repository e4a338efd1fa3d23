package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"gnucensus/probe"
	"gnucensus/sql"
)

// An Edge is a link of a published graph, between two hosts that it names by number only.
type Edge struct{ From, To uint64 }

// ReadEdges reads an edge list as the Stanford Network Analysis Project publishes it: a line for each link with two numbers
// between blanks or tabs, LF or CRLF; lines that begin with # are comments. It stops after the first error, which tells the
// line. Links are given as they stand, loops and repetitions too.
func ReadEdges(r io.Reader) iter.Seq2[Edge, error] {
	return func(yield func(Edge, error) bool) {
		lines := bufio.NewScanner(r)
		n := 1
		for ; lines.Scan(); n++ {
			text := strings.TrimSpace(lines.Text())
			if text == "" || text[0] == '#' {
				continue
			}
			edge, err := parseEdge(text)
			if err != nil {
				yield(Edge{}, fmt.Errorf("read edges: line %d: %w", n, err))
				return
			}
			if !yield(edge, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Edge{}, fmt.Errorf("read edges: line %d: %w", n, err))
		}
	}
}

func parseEdge(line string) (Edge, error) {
	ids := strings.Fields(line)
	if len(ids) != 2 {
		return Edge{}, fmt.Errorf("want two host numbers, got %d words", len(ids))
	}
	from, err := strconv.ParseUint(ids[0], 10, 64)
	if err != nil {
		return Edge{}, fmt.Errorf("read host number: %w", err)
	}
	to, err := strconv.ParseUint(ids[1], 10, 64)
	if err != nil {
		return Edge{}, fmt.Errorf("read host number: %w", err)
	}
	return Edge{from, to}, nil
}

// errNoEdges keeps a file that holds nothing from becoming a snapshot.
var errNoEdges = errors.New("there are no edges in it")

// ImportEdges stores a published graph as a complete snapshot, in one transaction. A host from which a link goes out was
// visited by whoever published the graph: it gets one observation, of method import, with its links as neighbours in the
// order of the file. Every other host was only heard of.
func (db *DB) ImportEdges(ctx context.Context, m Meta, edges iter.Seq2[Edge, error]) (id int64, err error) {
	g, err := readGraph(edges)
	if err != nil {
		return 0, fmt.Errorf("import graph: %w", err)
	}
	err = transact(ctx, db.pool.Begin, func(tx pgx.Tx) error {
		if id, err = insertSnapshot(ctx, tx, m); err != nil {
			return err
		}
		if err := g.store(ctx, tx, id); err != nil {
			return err
		}
		if err := growSnapshot(ctx, tx, id, len(g.names), len(g.tellers)); err != nil {
			return err
		}
		args := pgx.NamedArgs{"snapshot": id, "state": StateComplete}
		if _, err := tx.Exec(ctx, sql.Query("finish_snapshot"), args); err != nil {
			return err
		}
		return analyze(ctx, tx)
	})
	if err != nil {
		return 0, fmt.Errorf("import graph: %w", err)
	}
	return id, nil
}

// A graph is an edge list with its hosts numbered from 1, in the order of their first mention.
type graph struct {
	numbers map[uint64]int32
	names   []uint64  // of host i+1
	tellers []int32   // hosts with links, in the order of their first
	links   [][]int32 // by host, from 1
}

func readGraph(edges iter.Seq2[Edge, error]) (*graph, error) {
	g := &graph{numbers: map[uint64]int32{}, links: make([][]int32, 1)}
	for e, err := range edges {
		if err != nil {
			return nil, err
		}
		from, to := g.number(e.From), g.number(e.To)
		if g.links[from] == nil {
			g.tellers = append(g.tellers, from)
		}
		g.links[from] = append(g.links[from], to)
	}
	if len(g.names) == 0 {
		return nil, errNoEdges
	}
	return g, nil
}

func (g *graph) number(name uint64) int32 {
	id, ok := g.numbers[name]
	if !ok {
		g.names, g.links = append(g.names, name), append(g.links, nil)
		id = int32(len(g.names))
		g.numbers[name] = id
	}
	return id
}

// importRows are stored at a time, so that no graph is in memory twice.
const importRows = 20_000

func (g *graph) store(ctx context.Context, tx pgx.Tx, snapshot int64) error {
	b := newBatch()
	flush := func(row int) error {
		if row%importRows > 0 {
			return nil
		}
		defer b.reset()
		return b.store(ctx, tx)
	}
	for i, name := range g.names {
		addNamed(&b.endpoints, snapshot, int32(i+1), name)
		if err := flush(i + 1); err != nil {
			return err
		}
	}
	now := time.Now()
	for i, host := range g.tellers {
		g.addObservation(&b.observations, snapshot, int32(i+1), host, now)
		if err := flush(i + 1); err != nil {
			return err
		}
	}
	return b.store(ctx, tx)
}

func addNamed(c *copying, snapshot int64, id int32, name uint64) {
	c.row()
	c.int32(int32(snapshot))
	c.int32(id)
	c.null() // addr
	c.null() // port
	c.text(strconv.FormatUint(name, 10))
}

func (g *graph) addObservation(c *copying, snapshot int64, id, host int32, now time.Time) {
	c.row()
	c.int32(int32(snapshot))
	c.int32(id)
	c.int32(host)
	c.text(string(probe.Import))
	c.text(string(probe.Answered))
	c.time(now)
	for range importUnknown {
		c.null()
	}
	c.list(g.links[host])
	for range relations[1:] {
		c.null()
	}
}

// importUnknown is how many columns of an observation, from took_us to fields, a graph knows nothing of.
const importUnknown = 8
