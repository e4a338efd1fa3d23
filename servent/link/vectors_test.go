package link

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
)

// A piece is what a captured servent sent at once, and the messages that were complete with it.
type piece struct {
	wire     []byte
	messages [][]byte
}

// A session is one direction of a captured link.
type session struct {
	deflated bool
	pieces   []piece
}

// wire returns all bytes of the session.
func (s session) wire() []byte {
	var all []byte
	for _, p := range s.pieces {
		all = append(all, p.wire...)
	}
	return all
}

// stream returns all messages of the session.
func (s session) stream() []byte {
	var all []byte
	for _, p := range s.pieces {
		all = append(all, bytes.Join(p.messages, nil)...)
	}
	return all
}

// captures are the sessions in testdata, and the number of their messages.
var captures = map[string]int{
	"gtk-gnutella-leaf": 13, "gtk-gnutella-ultrapeer": 11, "gtk-gnutella-bye": 3, "limewire-plain": 10, "limewire-deflate": 3,
}

func readSession(tb testing.TB, name string) session {
	tb.Helper()
	file, err := os.Open("testdata/" + name + ".txt")
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	var s session
	var part *[]byte
	messages := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		switch line := lines.Text(); {
		case line == "# The stream is deflated.":
			s.deflated = true
		case line == "" || strings.HasPrefix(line, "#"):
		case line == "piece":
			s.pieces = append(s.pieces, piece{})
			part = &s.pieces[len(s.pieces)-1].wire
		case line == "message":
			last := &s.pieces[len(s.pieces)-1]
			last.messages = append(last.messages, nil)
			part = &last.messages[len(last.messages)-1]
			messages++
		default:
			b, err := hex.DecodeString(line)
			if err != nil {
				tb.Fatalf("%s: %v", name, err)
			}
			*part = slices.Concat(*part, b)
		}
	}
	if messages != captures[name] {
		tb.Fatalf("%s: %d messages, want %d", name, messages, captures[name])
	}
	return s
}
