package reports

import (
	"iter"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwarp"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// minText is the width that a column of text keeps however narrow the terminal is.
const minText = 8

// grid is the text of a table.
type grid struct {
	columns []Column
	header  [][]string // lines, by column
	cells   [][]string // by row, then by column
}

// fit returns the table in parts, none of them wider than width as far as that can be, and loses nothing: the names of columns
// go over several lines, then texts do, and where even broken words leave too little room for numbers, the table is split.
func (g *grid) fit(width int) []*grid {
	if g.width() > width {
		g.wrapNames()
	}
	for _, least := range []func(column int) int{g.wordWidth, g.headerWidth} {
		if limits, fits := g.narrow(width, least); fits {
			g.wrapTexts(limits)
			return []*grid{g}
		}
	}
	return g.split(width)
}

// narrow takes from the widths of texts, the widest first, what makes the table too wide. Each keeps its least, and minText.
func (g *grid) narrow(width int, least func(column int) int) (limits []int, fits bool) {
	for i := range g.columns {
		limits = append(limits, g.columnWidth(i))
	}
	for over := g.width() - width; over > 0; over-- {
		column := -1
		for i, c := range g.columns {
			if !c.Right && limits[i] > max(least(i), minText) && (column < 0 || limits[i] > limits[column]) {
				column = i
			}
		}
		if column < 0 {
			return limits, false
		}
		limits[column]--
	}
	return limits, true
}

func (g *grid) wrapTexts(limits []int) {
	for i, c := range g.columns {
		for _, row := range g.cells {
			if !c.Right && twwidth.Width(row[i]) > limits[i] {
				row[i] = strings.Join(wrap(row[i], limits[i]), "\n")
			}
		}
	}
}

// split makes several tables of one, to stand below each other. What tells its rows apart, the texts on its left or else its
// first column, leads each of them.
func (g *grid) split(width int) []*grid {
	keys := max(slices.IndexFunc(g.columns, func(c Column) bool { return c.Right }), 1)
	lead := &grid{cells: make([][]string, len(g.cells))}
	for i := range keys {
		lead = lead.with(g, i)
	}
	limits, _ := lead.narrow(width/2, lead.headerWidth)
	lead.wrapTexts(limits)
	var parts []*grid
	part := lead
	for i := keys; i < len(g.columns); i++ {
		wider := part.with(g, i)
		if wider.width() > width && len(part.columns) > keys {
			parts = append(parts, part)
			wider = lead.with(g, i)
		}
		part = wider
	}
	return append(parts, part)
}

// with is the table with one more column, from another table of the same rows.
func (g *grid) with(other *grid, column int) *grid {
	wider := &grid{
		columns: append(slices.Clip(g.columns), other.columns[column]),
		header:  append(slices.Clip(g.header), other.header[column]),
	}
	for i, row := range g.cells {
		wider.cells = append(wider.cells, append(slices.Clip(row), other.cells[i][column]))
	}
	return wider
}

// wrap breaks a text into lines of a width, and words that are wider where they reach it.
func wrap(text string, width int) []string {
	var words []string
	for _, word := range strings.Fields(text) {
		for twwidth.Width(word) > width {
			head := twwidth.Truncate(word, width)
			words, word = append(words, head), strings.TrimPrefix(word, head)
		}
		words = append(words, word)
	}
	lines, _ := twwarp.WrapString(strings.Join(words, " "), width)
	return lines
}

// width is that of the whole table, with a blank on both sides of each column.
func (g *grid) width() int {
	total := 0
	for i := range g.columns {
		total += g.columnWidth(i) + 2
	}
	return total
}

func (g *grid) columnWidth(column int) int { return max(g.headerWidth(column), g.cellWidth(column)) }

func (g *grid) headerWidth(column int) int { return widest(slices.Values(g.header[column])) }

func (g *grid) cellWidth(column int) int {
	width := 0
	for _, row := range g.cells {
		width = max(width, widest(strings.SplitSeq(row[column], "\n")))
	}
	return width
}

// wordWidth is the width that a column needs so that no word is broken.
func (g *grid) wordWidth(column int) int {
	width := g.headerWidth(column)
	for _, row := range g.cells {
		width = max(width, widest(strings.FieldsSeq(row[column])))
	}
	return width
}

func widest(texts iter.Seq[string]) int {
	width := 0
	for text := range texts {
		width = max(width, twwidth.Width(text))
	}
	return width
}

// wrapNames breaks the names of columns that are wider than what stands below them.
func (g *grid) wrapNames() {
	for i, lines := range g.header {
		name, _ := twwarp.WrapString(lines[0], max(g.cellWidth(i), minText))
		g.header[i] = append(name, lines[1:]...)
	}
}

// titles returns the header as the table takes it: lines joined, and names that stand on their units.
func (g *grid) titles() []string {
	most := 0
	for _, lines := range g.header {
		most = max(most, len(lines))
	}
	titles := make([]string, len(g.header))
	for i, lines := range g.header {
		titles[i] = strings.Repeat("\n", most-len(lines)) + strings.Join(lines, "\n")
	}
	return titles
}
