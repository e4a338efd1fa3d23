package reports

import (
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

// fit makes the table no wider than width, as far as that can be: first the names of columns go over several lines, then
// texts are cut, always those of the widest column. Numbers are never cut.
func (g *grid) fit(width int) {
	if g.width() > width {
		g.wrapNames()
	}
	limits := make([]int, len(g.columns))
	for i := range g.columns {
		limits[i] = max(g.headerWidth(i), g.cellWidth(i))
	}
	for over := g.width() - width; over > 0; over-- {
		widest := -1
		for i, c := range g.columns {
			if !c.Right && limits[i] > minText && (widest < 0 || limits[i] > limits[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		limits[widest]--
	}
	for i, c := range g.columns {
		for _, row := range g.cells {
			if !c.Right && twwidth.Width(row[i]) > limits[i] {
				row[i] = twwidth.Truncate(row[i], limits[i], "…")
			}
		}
	}
}

// width is that of the whole table, with a blank on both sides of each column.
func (g *grid) width() int {
	total := 0
	for i := range g.columns {
		total += max(g.headerWidth(i), g.cellWidth(i)) + 2
	}
	return total
}

func (g *grid) headerWidth(column int) int {
	width := 0
	for _, line := range g.header[column] {
		width = max(width, twwidth.Width(line))
	}
	return width
}

func (g *grid) cellWidth(column int) int {
	width := 0
	for _, row := range g.cells {
		width = max(width, twwidth.Width(row[column]))
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
