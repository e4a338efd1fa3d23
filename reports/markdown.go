package reports

import (
	"fmt"
	"io"
	"strings"
)

// escapeMarkdown takes the meaning from what Markdown or HTML would read as markup: a host may name its software
// "<script>", or "![](http://…)".
var escapeMarkdown = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "~", `\~`,
).Replace

func (r *Report) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s, snapshot %d\n\n%s\n\n", escapeMarkdown(r.Title), r.Snapshot, escapeMarkdown(r.About))
	for _, c := range r.Columns {
		name := escapeMarkdown(c.Title())
		if c.Unit != "" {
			name += " (" + escapeMarkdown(c.Unit) + ")"
		}
		fmt.Fprintf(&b, "| %s ", name)
	}
	b.WriteString("|\n")
	for _, c := range r.Columns {
		if c.Right {
			b.WriteString("| ---: ")
		} else {
			b.WriteString("| --- ")
		}
	}
	b.WriteString("|\n")
	for _, row := range r.Rows {
		for i := range row {
			fmt.Fprintf(&b, "| %s ", escapeMarkdown(r.Text(row, i)))
		}
		b.WriteString("|\n")
	}
	b.WriteString("\n")
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "- %s\n", escapeMarkdown(n))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Title is the name of the column for people.
func (c Column) Title() string { return strings.ReplaceAll(c.Name, "_", " ") }
