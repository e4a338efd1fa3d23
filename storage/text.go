package storage

import (
	"strings"
	"unicode/utf8"
)

// maxAgent is the longest agent that is stored, in bytes. Agents are looked up in an index, whose entries PostgreSQL limits
// to a third of a page; a host that sends a longer one must not stop the crawl.
const maxAgent = 512

// replacement stands for what PostgreSQL cannot hold in a text.
const replacement = string(utf8.RuneError)

// clean makes text from the network fit for the database: invalid UTF-8 and NUL are replaced, everything else is kept.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, replacement), "\x00", replacement)
}

// cleanAgent is clean with the length of an agent, cut between two characters.
func cleanAgent(text string) string {
	text = clean(text)
	if len(text) <= maxAgent {
		return text
	}
	end := maxAgent
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// nullable gives NULL for an empty text.
func nullable(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
