package handshake

import (
	"path/filepath"
	"strings"
	"testing"

	"gnucensus/servent/internal/vector"
)

// A captured head.
type captured struct {
	kind   string // hello, answer or ack
	source string
	raw    []byte
}

func (c captured) prefix() string {
	if c.kind == "hello" {
		return helloPrefix
	}
	return replyPrefix
}

// vectors reads all captured heads.
func vectors(tb testing.TB) []captured {
	tb.Helper()
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var all []captured
	for _, path := range paths {
		for _, v := range vector.Read(tb, path) {
			kind, source, _ := strings.Cut(v.Name, ": ")
			all = append(all, captured{kind: kind, source: source, raw: v.Bytes})
		}
	}
	if len(all) == 0 {
		tb.Fatal("no vectors")
	}
	return all
}

// capture returns the head whose source contains words.
func capture(tb testing.TB, kind, words string) []byte {
	tb.Helper()
	for _, v := range vectors(tb) {
		if v.kind == kind && strings.Contains(v.source, words) {
			return v.raw
		}
	}
	tb.Fatalf("no vector %q", words)
	return nil
}
