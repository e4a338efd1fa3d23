package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// A fact is a named value that a command prints. In JSON the name is the key; for people _ becomes a blank.
type fact struct {
	name  string
	value any
}

// Facts are one object, in the order in which they are printed.
type facts []fact

// MarshalJSON keeps the order.
func (f facts) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, fact := range f {
		fmt.Fprintf(&b, "%c%q:", "{,"[min(i, 1)], fact.name)
		if err := writeJSON(&b, fact.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (f fact) label() string { return strings.ReplaceAll(f.name, "_", " ") }

// text is the value for people. What is nil was not measured, or is not yet.
func (f fact) text() string {
	switch v := f.value.(type) {
	case nil:
		return "–"
	case *time.Time:
		return pointed(f.name, v)
	case *int64:
		return pointed(f.name, v)
	case time.Time:
		return v.UTC().Format(time.DateTime + " UTC")
	case float64:
		return fmt.Sprintf("%.1f", v)
	}
	return printable(fmt.Sprint(f.value))
}

func pointed[T any](name string, v *T) string {
	if v == nil {
		return "–"
	}
	return fact{name, *v}.text()
}

// shorten cuts a text that has more than width characters.
func shorten(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}

// print writes one object: a line for each fact, or JSON.
func (f facts) print(w io.Writer, form string) error {
	if form == "json" {
		return writeJSON(w, f)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, fact := range f {
		fmt.Fprintf(t, "%s\t%s\n", fact.label(), fact.text())
	}
	return t.Flush()
}

// printList writes objects with the same names: a table with a line for each, or a JSON array.
func printList(w io.Writer, form string, list []facts) error {
	if form == "json" {
		return writeJSON(w, list)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, f := range list {
		if i == 0 {
			writeCells(t, f, fact.label)
		}
		writeCells(t, f, fact.text)
	}
	return t.Flush()
}

func writeCells(w io.Writer, f facts, cell func(fact) string) {
	for i, fact := range f {
		fmt.Fprintf(w, "%s%c", cell(fact), "\t\n"[min(i/(len(f)-1), 1)])
	}
}

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
