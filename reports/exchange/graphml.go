package exchange

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
)

// A graphmlWriter writes hosts as nodes and edges as undirected edges, with all of their columns as attributes (U. Brandes
// and others, "GraphML primer"). A missing value has no element. Characters that XML cannot hold are replaced by U+FFFD.
type graphmlWriter struct {
	w            *bufio.Writer
	nodes, edges attributes
}

// attributes are the columns of a table from one place on.
type attributes struct {
	of   string // node or edge
	t    *table
	from int
}

func newGraphMLWriter(w io.Writer, hosts, edges *table) (*graphmlWriter, error) {
	// Where an edge ends is no attribute of it.
	g := &graphmlWriter{bufio.NewWriterSize(w, 1<<16), attributes{"node", hosts, 0}, attributes{"edge", edges, 2}}
	fmt.Fprintln(g.w, `<?xml version="1.0" encoding="UTF-8"?>`)
	fmt.Fprintln(g.w, `<graphml xmlns="http://graphml.graphdrawing.org/xmlns">`)
	g.declare(g.nodes)
	g.declare(g.edges)
	_, err := fmt.Fprintln(g.w, `<graph id="overlay" edgedefault="undirected">`)
	return g, err
}

func (g *graphmlWriter) declare(a attributes) {
	for _, c := range a.t.columns[a.from:] {
		kind := "string"
		switch c.kind {
		case integerKind, portKind:
			kind = "long"
		case booleanKind:
			kind = "boolean"
		}
		fmt.Fprintf(g.w, `<key id="%s.%s" for="%[1]s" attr.name="%[2]s" attr.type="%[3]s"/>`+"\n", a.of, c.name, kind)
	}
}

// node writes a host; its number is the first column.
func (g *graphmlWriter) node(row []any) error {
	fmt.Fprintf(g.w, `<node id="n%d">`, row[0])
	return g.data(g.nodes, row, "</node>\n")
}

// edge writes a link; its ends are the first two columns.
func (g *graphmlWriter) edge(row []any) error {
	fmt.Fprintf(g.w, `<edge source="n%d" target="n%d">`, row[0], row[1])
	return g.data(g.edges, row, "</edge>\n")
}

func (g *graphmlWriter) data(a attributes, row []any, end string) error {
	for i := a.from; i < len(row); i++ {
		if row[i] == nil {
			continue
		}
		fmt.Fprintf(g.w, `<data key="%s.%s">`, a.of, a.t.columns[i].name)
		if err := xml.EscapeText(g.w, []byte(format(row[i]))); err != nil {
			return err
		}
		fmt.Fprint(g.w, `</data>`)
	}
	_, err := fmt.Fprint(g.w, end)
	return err
}

func (g *graphmlWriter) close() error {
	fmt.Fprint(g.w, "</graph>\n</graphml>\n")
	return g.w.Flush()
}
