package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"gnucensus/servent/conformance"
)

// Verdicts are the results of a run, printed as a table row by row, or as JSON at the end.
type verdicts struct {
	w       io.Writer
	form    string
	layout  string // of a row
	planned int
	results []conformance.Result
	err     error // of writing
}

func newVerdicts(w io.Writer, form string, tests []conformance.Test) *verdicts {
	v := &verdicts{w: w, form: form, planned: len(tests)}
	name, about := len("test"), len("demand")
	for _, t := range tests {
		name, about = max(name, len(t.Name)), max(about, len(t.About))
	}
	v.layout = fmt.Sprintf("%%-%ds  %%-%ds  %%-%ds  %%s\n", name, about, len(conformance.NotSupported))
	return v
}

func (v *verdicts) row(cells ...any) {
	line := strings.TrimRight(fmt.Sprintf(v.layout, cells...), " \n")
	if v.err == nil {
		_, v.err = fmt.Fprintln(v.w, line)
	}
}

func (v *verdicts) add(r conformance.Result) {
	v.results = append(v.results, r)
	if v.form == "json" {
		return
	}
	if len(v.results) == 1 {
		v.row("test", "demand", "result", "note")
	}
	note := printable(r.Note)
	if r.Optional {
		note = strings.TrimSpace("(optional) " + note)
	}
	v.row(r.Name, r.About, r.Verdict, note)
}

// end prints what comes after the rows: the bytes of failures, and how many tests had which result.
func (v *verdicts) end() error {
	if v.form == "json" {
		list := make([]facts, 0, len(v.results))
		for _, r := range v.results {
			list = append(list, facts{
				{"test", r.Name}, {"demand", r.About}, {"source", r.Source}, {"optional", r.Optional}, {"result", r.Verdict},
				{"note", r.Note}, {"sent", hex.EncodeToString(r.Sent)}, {"received", hex.EncodeToString(r.Received)},
			})
		}
		return writeJSON(v.w, list)
	}
	var b strings.Builder
	for _, r := range v.results {
		if r.Verdict == conformance.Fail {
			fmt.Fprintf(&b, "\n%s (%s)\n%s\n", r.Name, r.Source, printable(r.Note))
			writeDump(&b, "sent", r.Sent)
			writeDump(&b, "received", r.Received)
		}
	}
	counts := v.counts()
	fmt.Fprintf(&b, "\n%d pass, %d fail, %d not supported, %d skipped\n", counts[conformance.Pass], counts[conformance.Fail],
		counts[conformance.NotSupported], counts[conformance.Skipped])
	if v.err == nil {
		_, v.err = io.WriteString(v.w, b.String())
	}
	return v.err
}

// writeDump writes the last bytes of one direction.
func writeDump(b *strings.Builder, direction string, bytes []byte) {
	if len(bytes) == 0 {
		fmt.Fprintf(b, "%s: nothing\n", direction)
		return
	}
	fmt.Fprintf(b, "%s, the last %d bytes:\n%s", direction, len(bytes), hex.Dump(bytes))
}

func (v *verdicts) counts() map[conformance.Verdict]int {
	counts := make(map[conformance.Verdict]int)
	for _, r := range v.results {
		counts[r.Verdict]++
	}
	return counts
}

// verdict is the error of a run that the servent did not pass, or that says nothing of it.
func (v *verdicts) verdict(ctx context.Context) error {
	var failed []string
	for _, r := range v.results {
		if r.Verdict == conformance.Fail && !r.Optional {
			failed = append(failed, r.Name)
		}
	}
	counts := v.counts()
	switch {
	case ctx.Err() != nil:
		return &hinted{err: fmt.Errorf("stopped after %d of %s", len(v.results), many(v.planned, "test")), code: exitInterrupted}
	case len(v.results) < v.planned:
		last := v.results[len(v.results)-1]
		return advise(fmt.Errorf("no servent there at test %d of %d, %s: %w", len(v.results), v.planned, last.Name, last.Err),
			"If it was there before, look whether it ended by itself.")
	case len(failed) > 0:
		return fmt.Errorf("failed and not optional: %s", strings.Join(failed, ", "))
	case counts[conformance.Pass]+counts[conformance.Fail] == 0:
		return advise(errors.New("no test came to a result"),
			"The notes tell why. Where the servent was asked too often: wait, and give a longer --pause.")
	}
	return nil
}
