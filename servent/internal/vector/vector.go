// Package vector reads the test vectors of the codecs.
//
// A file is text: paragraphs of hexadecimal lines, each headed by comment lines that begin with # and say where the bytes
// come from. Blanks within the hexadecimal lines are ignored, paragraphs without any such line are prose.
package vector

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// A Vector is one paragraph.
type Vector struct {
	Name  string // the comment, on one line
	Bytes []byte
}

// Read returns the vectors of a file; it ends the test when the file cannot be read or holds none.
func Read(tb testing.TB, file string) []Vector {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var all []Vector
	for paragraph := range strings.SplitSeq(string(text), "\n\n") {
		var name, digits strings.Builder
		for line := range strings.Lines(paragraph) {
			if comment, ok := strings.CutPrefix(line, "#"); ok {
				name.WriteString(strings.TrimSpace(comment) + " ")
				continue
			}
			digits.WriteString(strings.Join(strings.Fields(line), ""))
		}
		if digits.Len() == 0 {
			continue
		}
		b, err := hex.DecodeString(digits.String())
		if err != nil {
			tb.Fatalf("%s: %s: %v", file, name.String(), err)
		}
		all = append(all, Vector{Name: strings.TrimSpace(name.String()), Bytes: b})
	}
	if len(all) == 0 {
		tb.Fatalf("%s: no vectors", file)
	}
	return all
}
