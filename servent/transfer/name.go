package transfer

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxName is the longest name of a fetched file, in bytes: what is kept beside it has a longer one, and 255 is the most.
const maxName = 200

// reserved are names that some systems do not take for files, whatever their extension.
var reserved = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true, "com1": true, "com2": true, "com3": true, "com4": true, "com5": true,
	"com6": true, "com7": true, "com8": true, "com9": true, "lpt1": true, "lpt2": true, "lpt3": true, "lpt4": true, "lpt5": true,
	"lpt6": true, "lpt7": true, "lpt8": true, "lpt9": true,
}

// safeName makes of any name one of a plain file in a folder: without separators, control characters and characters that a
// system does not take, without a dot at its beginning or end, and not too long. It keeps the extension.
func safeName(name string) string {
	name = norm.NFC.String(strings.ToValidUTF8(name, "_"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(name, ". ")
	if len(name) > maxName {
		extension := path.Ext(name)
		if len(extension) > 20 {
			extension = ""
		}
		name = strings.TrimRight(shorten(name, maxName-len(extension)), ". ") + extension
	}
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	if name == "" || reserved[strings.TrimSpace(stem)] {
		name = "_" + name
	}
	return name
}

// shorten cuts a text to at most n bytes, between two characters.
func shorten(text string, n int) string {
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
