package main

import (
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// Widths of help, in characters: that of a screen, of a description, which is set in, and of what a flag does, beside the
// longest flag that there is.
const (
	helpWidth        = 100
	descriptionWidth = helpWidth - len("   ")
	flagWidth        = descriptionWidth - len("--database-patience TIME  ")
)

// standardFlag is how the library writes a flag: its names, a tab, and what it does.
var standardFlag = cli.FlagStringer

func init() { cli.FlagStringer = flagText } // the library knows one for all programs of a process

// flagText writes a flag on as many lines as it needs. The library sets them in, and aligns what follows a tab. A flag that may
// be repeated is named once.
func flagText(f cli.Flag) string {
	names, usage, _ := strings.Cut(standardFlag(f), "\t")
	names, _, _ = strings.Cut(names, " [ ")
	return names + "\t" + strings.ReplaceAll(fill(usage, flagWidth), "\n", "\n\t")
}

// fill breaks the paragraphs of a text anew, so that no line is longer than width if its words allow it. Lines that are set in
// stay as they are.
func fill(text string, width int) string {
	var filled []string
	open := false // a paragraph, whose last line may take more
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == ' ' {
			filled, open = append(filled, line), false
			continue
		}
		for _, word := range strings.Fields(line) {
			last := len(filled) - 1
			if open && utf8.RuneCountInString(filled[last])+1+utf8.RuneCountInString(word) <= width {
				filled[last] += " " + word
			} else {
				filled, open = append(filled, word), true
			}
		}
	}
	return strings.Join(filled, "\n")
}
