package handshake

import (
	"bufio"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A vector is a captured head.
type vector struct {
	source string // the comment above it
	kind   string // hello, answer or ack
	raw    []byte
}

func (v vector) prefix() string {
	if v.kind == "hello" {
		return helloPrefix
	}
	return replyPrefix
}

// vectors reads all captured heads, and fails when there are fewer than were once put there.
func vectors(tb testing.TB) []vector {
	tb.Helper()
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var all []vector
	for _, path := range paths {
		all = append(all, readVectors(tb, path)...)
	}
	if len(all) < 20 {
		tb.Fatalf("%d vectors in testdata", len(all))
	}
	return all
}

func readVectors(tb testing.TB, path string) []vector {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	var all []vector
	var source string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "# "):
			source = strings.TrimPrefix(line, "# ")
		case line == "hello", line == "answer", line == "ack":
			all = append(all, vector{source: source, kind: line})
		case line != "":
			raw, err := hex.DecodeString(line)
			if err != nil {
				tb.Fatalf("%s: %v", path, err)
			}
			last := &all[len(all)-1]
			last.raw = append(last.raw, raw...)
		}
	}
	return all
}

// capture returns the vector whose source contains words.
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
