package exchange

import (
	"bufio"
	"fmt"
	"io"
)

// A snapWriter writes links as an edge list in the format of the Stanford Network Analysis Project: a line for each, teller
// first.
type snapWriter struct{ w *bufio.Writer }

func newSNAPWriter(w io.Writer, _ *table) (rowWriter, error) {
	s := snapWriter{bufio.NewWriterSize(w, 1<<16)}
	_, err := fmt.Fprint(s.w, "# Directed graph: the first host told that it is linked to the second\n# FromNodeId\tToNodeId\n")
	return s, err
}

func (s snapWriter) write(row []any) error {
	_, err := fmt.Fprintf(s.w, "%d\t%d\n", row...)
	return err
}

func (s snapWriter) close() error { return s.w.Flush() }
