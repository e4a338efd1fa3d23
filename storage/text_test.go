package storage

import (
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":               "",
		"LimeWire/5.5":   "LimeWire/5.5",
		"a\x00b":         "a\ufffdb",
		"a\xffb":         "a\ufffdb",
		"\xc3\x28":       "\ufffd(",
		"a\x1b[31mb\r\n": "a\x1b[31mb\r\n", // control characters are for whoever displays them
		"Ω≈ç":            "Ω≈ç",
	} {
		if got := clean(text); got != want {
			t.Errorf("clean(%q) is %q, want %q", text, got, want)
		}
	}
}

func TestCleanAgent(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"gtk-gnutella/1.2.3":           "gtk-gnutella/1.2.3",
		strings.Repeat("a", 512):       strings.Repeat("a", 512),
		strings.Repeat("a", 513):       strings.Repeat("a", 512),
		strings.Repeat("a", 511) + "é": strings.Repeat("a", 511),
		strings.Repeat("\x00", 400):    strings.Repeat("\ufffd", 170),
	} {
		if got := cleanAgent(text); got != want {
			t.Errorf("cleanAgent(%q) is %q, want %q", text, got, want)
		}
	}
}
