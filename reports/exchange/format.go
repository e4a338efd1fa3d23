package exchange

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// What can be exported.
const (
	Hosts = "hosts"
	Edges = "edges"
	Hits  = "hits"
	All   = "all" // everything that was seen, in a folder: what Import reads
)

// allTables are the files of an export of everything, those first that others refer to.
var allTables = []string{"endpoint", "observation", "neighbour", "rumour", "query", "hit"}

// A rowWriter writes the rows of one table.
type rowWriter interface {
	write(row []any) error
	close() error // writes what is left; the writer below stays open
}

// A fileFormat is a way to write a file.
type fileFormat struct {
	ending, name, mediaType string

	edges string // the table that it holds, if it is for edges alone; empty: any
	text  bool   // in UTF-8, and may be compressed as a whole
	open  func(io.Writer, *table) (rowWriter, error)
}

// graphml has no open: it takes two tables.
var formats = []*fileFormat{
	{ending: ".csv", name: "csv", mediaType: "text/csv", text: true, open: newCSVWriter},
	{ending: ".parquet", name: "parquet", mediaType: "application/vnd.apache.parquet", open: newParquetWriter},
	{ending: ".graphml", name: "graphml", mediaType: "application/graphml+xml", text: true, edges: "edges"},
	{ending: ".txt", name: "snap", mediaType: "text/plain", text: true, edges: "arcs", open: newSNAPWriter},
}

// compressions are the endings that may follow that of a text, and their names.
var compressions = map[string]string{"": "", ".gz": "gz", ".zst": "zstd"}

// A FormatError says that something cannot be exported to a file of that name.
type FormatError struct {
	Path  string
	Known []string // endings that a name may have
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s ends in none of %s", e.Path, strings.Join(e.Known, ", "))
}

// formatOf tells by the ending of a name how the file is written, and how compressed.
func formatOf(contents, path string) (f *fileFormat, compression string, err error) {
	stem, compression := path, filepath.Ext(path)
	if _, known := compressions[compression]; known {
		stem = strings.TrimSuffix(path, compression)
	} else {
		compression = ""
	}
	var known []string
	for _, f := range formats {
		if f.edges != "" && contents != Edges {
			continue
		}
		if known = append(known, f.ending); filepath.Ext(stem) == f.ending && (f.text || compression == "") {
			return f, compression, nil
		}
		if f.text {
			known = append(known, f.ending+".gz", f.ending+".zst")
		}
	}
	return nil, "", &FormatError{Path: path, Known: known}
}
