package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwarp"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// notesWidth is that of the sentences around a table that has all the room that it needs.
const notesWidth = 100

func (r *Report) writeTable(w io.Writer, width int) error {
	g := &grid{columns: r.Columns, header: r.header(), cells: r.cells()}
	parts := []*grid{g}
	if width > 0 {
		parts = g.fit(width)
	} else {
		width = notesWidth
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, snapshot %d\n", r.Title, r.Snapshot)
	writeWrapped(&b, r.About, "", width)
	b.WriteString("\n")
	for _, part := range parts {
		if err := part.draw(&b); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	if hidden := len(r.Rows) - len(r.shown()); hidden > 0 {
		writeWrapped(&b, fmt.Sprintf("%d more rows are in the formats csv, json and md.", hidden), "- ", width)
	}
	for _, n := range r.Notes {
		writeWrapped(&b, n, "- ", width)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shown returns the rows that a table shows.
func (r *Report) shown() [][]any {
	if r.screen > 0 && len(r.Rows) > r.screen {
		return r.Rows[:r.screen]
	}
	return r.Rows
}

func (g *grid) draw(w io.Writer) error {
	align := make([]tw.Align, len(g.columns))
	for i, c := range g.columns {
		if align[i] = tw.AlignLeft; c.Right {
			align[i] = tw.AlignRight
		}
	}
	alignment := tw.CellAlignment{PerColumn: align}
	plain := tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off}
	table := tablewriter.NewTable(w,
		tablewriter.WithEastAsian(tw.Off), // the terminal's locale must not change the output
		tablewriter.WithConfig(tablewriter.Config{
			Header:   tw.CellConfig{Formatting: plain, Alignment: alignment},
			Row:      tw.CellConfig{Formatting: plain, Alignment: alignment},
			Behavior: tw.Behavior{TrimSpace: tw.Off, TrimLine: tw.Off},
		}),
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Symbols:  tw.NewSymbols(tw.StyleLight),
			Settings: tw.Settings{Separators: tw.Separators{BetweenColumns: tw.Off}},
		})),
	)
	table.Header(g.titles())
	if err := table.Bulk(g.cells); err != nil {
		return err
	}
	return table.Render()
}

// header returns the lines above each column: its name, and below it its unit when any column has one.
func (r *Report) header() [][]string {
	units := slices.ContainsFunc(r.Columns, func(c Column) bool { return c.Unit != "" })
	header := make([][]string, len(r.Columns))
	for i, c := range r.Columns {
		if header[i] = []string{c.Title()}; units {
			header[i] = append(header[i], c.Unit)
		}
	}
	return header
}

func (r *Report) cells() [][]string {
	var cells [][]string
	for _, row := range r.shown() {
		line := make([]string, len(row))
		for i := range row {
			line[i] = r.Text(row, i)
		}
		cells = append(cells, line)
	}
	return cells
}

// writeWrapped writes a paragraph, its first line after a mark and the others indented as far.
func writeWrapped(b *strings.Builder, text, mark string, width int) {
	lines, _ := twwarp.WrapString(text, max(width-len(mark), minText))
	for _, line := range lines {
		b.WriteString(mark + line + "\n")
		mark = strings.Repeat(" ", len(mark))
	}
}
