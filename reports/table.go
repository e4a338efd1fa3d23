package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwarp"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// defaultWidth is that of a table when nobody says another, minText the width that a column of text keeps.
const (
	defaultWidth = 100
	minText      = 8
)

func (r *Report) writeTable(w io.Writer, width int) error {
	if width <= 0 {
		width = defaultWidth
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, snapshot %d\n", r.Title, r.Snapshot)
	writeWrapped(&b, r.About, "", width)
	b.WriteString("\n")
	if err := r.drawTable(&b, width); err != nil {
		return err
	}
	b.WriteString("\n")
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

func (r *Report) drawTable(w io.Writer, width int) error {
	header, cells := r.header(), r.cells()
	fit(header, cells, r.Columns, width)
	align := make([]tw.Align, len(r.Columns))
	for i, c := range r.Columns {
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
			Behavior: tw.Behavior{TrimSpace: tw.Off},
		}),
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Symbols:  tw.NewSymbols(tw.StyleLight),
			Settings: tw.Settings{Separators: tw.Separators{BetweenColumns: tw.Off}},
		})),
	)
	table.Header(header)
	if err := table.Bulk(cells); err != nil {
		return err
	}
	return table.Render()
}

func (r *Report) header() []string {
	units := false
	for _, c := range r.Columns {
		units = units || c.Unit != ""
	}
	header := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		if header[i] = c.title(); units {
			header[i] += "\n" + c.Unit
		}
	}
	return header
}

func (r *Report) cells() [][]string {
	var cells [][]string
	for _, row := range r.shown() {
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = pretty(v, r.unit(row, i))
		}
		cells = append(cells, line)
	}
	return cells
}

// fit shortens texts until the table is no wider than width: always those of the widest column of text, which keeps
// minText. Numbers are never cut.
func fit(header []string, cells [][]string, columns []Column, width int) {
	widths := make([]int, len(columns))
	total := 0
	for i := range columns {
		for line := range strings.Lines(header[i]) {
			widths[i] = max(widths[i], twwidth.Width(strings.TrimSuffix(line, "\n")))
		}
		for _, row := range cells {
			widths[i] = max(widths[i], twwidth.Width(row[i]))
		}
		total += widths[i] + 2
	}
	for total > width {
		widest := -1
		for i, c := range columns {
			if !c.Right && widths[i] > minText && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	for _, row := range cells {
		for i, c := range columns {
			if !c.Right && twwidth.Width(row[i]) > widths[i] {
				row[i] = twwidth.Truncate(row[i], widths[i], "…")
			}
		}
	}
}

// writeWrapped writes a paragraph, its first line after a mark and the others indented as far.
func writeWrapped(b *strings.Builder, text, mark string, width int) {
	lines, _ := twwarp.WrapString(text, max(width-len(mark), minText))
	for _, line := range lines {
		b.WriteString(mark + line + "\n")
		mark = strings.Repeat(" ", len(mark))
	}
}
