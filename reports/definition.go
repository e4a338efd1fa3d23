package reports

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gnucensus/sql"
)

// definition is one file of sql/reports.
type definition struct {
	Info
	order     int
	method    string
	params    []string
	columns   []Column
	notes     []note
	screen    int
	needs     []string // measures, by the first part of their names
	series    bool     // it needs them of earlier snapshots too
	statement string
}

// note is a caveat. If fact is set, it is given only when that column of report.coverage is 0.
type note struct{ fact, text string }

// definitions returns the reports in their order. The files are part of the program, so one that is wrong is a mistake of
// the programmer, and panics.
var definitions = sync.OnceValue(func() []*definition {
	files, err := sql.Files.ReadDir("reports")
	if err != nil {
		panic(fmt.Sprintf("read reports: %v", err))
	}
	var list []*definition
	for _, f := range files {
		text, err := sql.Files.ReadFile(path.Join("reports", f.Name()))
		if err != nil {
			panic(fmt.Sprintf("read reports: %v", err))
		}
		d, err := parseDefinition(strings.TrimSuffix(f.Name(), ".sql"), string(text))
		if err != nil {
			panic(fmt.Sprintf("read reports: %s: %v", f.Name(), err))
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b *definition) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.Name, b.Name))
	})
	return list
})

// parseDefinition reads the text of a report.
func parseDefinition(name, text string) (*definition, error) {
	d := &definition{Info: Info{Name: name}, statement: text}
	for _, line := range sql.Head(text) {
		key, value, found := strings.Cut(line, ": ")
		if !found {
			return nil, fmt.Errorf("head line %q has no value", line)
		}
		if err := d.set(key, value); err != nil {
			return nil, fmt.Errorf("head line %q: %w", line, err)
		}
	}
	if d.Title == "" || d.About == "" || d.method == "" || len(d.params) == 0 || len(d.columns) == 0 {
		return nil, fmt.Errorf("the head lacks a title, about, method, param or column")
	}
	return d, nil
}

func (d *definition) set(key, value string) (err error) {
	if fact, found := strings.CutPrefix(key, "without "); found {
		d.notes = append(d.notes, note{fact: fact, text: value})
		return nil
	}
	switch key {
	case "title":
		d.Title = value
	case "about":
		d.About = value
	case "method":
		d.method = value
	case "note":
		d.notes = append(d.notes, note{text: value})
	case "order":
		d.order, err = strconv.Atoi(value)
	case "screen":
		d.screen, err = strconv.Atoi(value)
	case "needs":
		d.needs = strings.Fields(value)
	case "series":
		if value != "vantage" {
			err = fmt.Errorf("a series is of one vantage")
		}
		d.series = true
	case "param":
		if value != "snapshot" && value != "version" {
			err = fmt.Errorf("a parameter is snapshot or version")
		}
		d.params = append(d.params, value)
	case "column":
		err = d.addColumn(strings.Fields(value))
	default:
		err = fmt.Errorf("unknown key")
	}
	return err
}

func (d *definition) addColumn(words []string) error {
	if len(words) != 3 || words[2] != "left" && words[2] != "right" {
		return fmt.Errorf("a column has a name, a unit or -, and left or right")
	}
	c := Column{Name: words[0], Unit: words[1], Right: words[2] == "right"}
	if c.Unit == "-" {
		c.Unit = ""
	}
	d.columns = append(d.columns, c)
	return nil
}

// notesFor returns the notes that apply to a snapshot. A fact that is no column is a mistake of the programmer, and panics.
func (d *definition) notesFor(s *subject) []string {
	var notes []string
	for _, n := range d.notes {
		count, known := s.coverage[n.fact]
		if n.fact != "" && !known {
			panic(fmt.Sprintf("report %s: no column %s of report.coverage", d.Name, n.fact))
		}
		if count == 0 {
			notes = append(notes, n.text)
		}
	}
	return notes
}
